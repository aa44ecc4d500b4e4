/** Gives a Connector another name: for people alone, nothing else changes. */
import { Button, Group, Modal, Stack, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useDisclosure } from '@mantine/hooks';
import type { ReactNode } from 'react';
import { useChange } from '../../api/change.ts';
import { api, take } from '../../api/client.ts';
import { showFieldErrors } from '../../parts/form-errors.ts';
import { Refusal } from '../../parts/refusal.tsx';

interface Props {
  id: string;
  name: string;
  opener: (open: () => void) => ReactNode;
}

export function RenameConnector({ id, name, opener }: Props) {
  const [opened, { open, close }] = useDisclosure(false);
  return (
    <>
      {opener(open)}
      <Modal opened={opened} onClose={close} title="Rename the Connector">
        <Form id={id} name={name} close={close} />
      </Modal>
    </>
  );
}

function Form({ id, name, close }: { id: string; name: string; close: () => void }) {
  const form = useForm({ initialValues: { name } });
  const rename = useChange(
    (json: { name: string }) => take(api.connectors[':id'].$patch({ param: { id }, json })),
    { quiet: true, done: 'Connector renamed', after: close },
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
            Save
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
