/** The form that gives an active Service Key another name. */
import { Button, Group, Modal, Stack, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useDisclosure } from '@mantine/hooks';
import type { ReactNode } from 'react';
import { useChange } from '../../api/change.ts';
import { api, take } from '../../api/client.ts';
import { showFieldErrors } from '../../parts/form-errors.ts';
import { Refusal } from '../../parts/refusal.tsx';

interface Props {
  of: { id: string; name: string };
  opener: (open: () => void) => ReactNode;
}

export function RenameKey({ of: key, opener }: Props) {
  const [opened, { open, close }] = useDisclosure(false);
  return (
    <>
      {opener(open)}
      <Modal opened={opened} onClose={close} title={`Rename ${key.name}`}>
        <Form of={key} close={close} />
      </Modal>
    </>
  );
}

function Form({ of: { id, name }, close }: Omit<Props, 'opener'> & { close: () => void }) {
  const form = useForm({ initialValues: { name } });
  const rename = useChange(
    (json: { name: string }) => take(api['service-keys'][':id'].$patch({ param: { id }, json })),
    { quiet: true, done: ({ name: now }) => `Key ${name} is now ${now}`, after: close },
  );
  const shownInFields = rename.error !== null && Object.keys(form.errors).length > 0;
  return (
    <form
      onSubmit={form.onSubmit((values) =>
        rename.mutate(values, { onError: (error) => void showFieldErrors(error, form.setErrors) }),
      )}
    >
      <Stack>
        <TextInput label="Name" data-autofocus required maxLength={100} {...form.getInputProps('name')} />
        {!shownInFields && <Refusal error={rename.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>
            Cancel
          </Button>
          <Button type="submit" loading={rename.isPending}>
            Rename
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
