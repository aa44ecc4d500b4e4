/** The form that changes what a Service Account is called and what is said of it: for people alone. */
import { Button, Group, Modal, Stack, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useDisclosure } from '@mantine/hooks';
import type { ReactNode } from 'react';
import { useChange } from '../../api/change.ts';
import { api, take } from '../../api/client.ts';
import { showFieldErrors } from '../../parts/form-errors.ts';
import { Refusal } from '../../parts/refusal.tsx';

interface Props {
  service: { id: string; name: string; description: string | null };
  opener: (open: () => void) => ReactNode;
}

export function EditService({ service, opener }: Props) {
  const [opened, { open, close }] = useDisclosure(false);
  return (
    <>
      {opener(open)}
      <Modal opened={opened} onClose={close} title={`Change ${service.name}`}>
        <Form service={service} close={close} />
      </Modal>
    </>
  );
}

function Form({ service: { id, name, description }, close }: Omit<Props, 'opener'> & { close: () => void }) {
  const form = useForm({ initialValues: { name, description: description ?? '' } });
  const update = useChange(
    (json: { name: string; description: string | null }) =>
      take(api['service-accounts'][':id'].$patch({ param: { id }, json })),
    { quiet: true, done: ({ name }) => `Service ${name} changed`, after: close },
  );
  const shownInFields = update.error !== null && Object.keys(form.errors).length > 0;
  return (
    <form
      onSubmit={form.onSubmit(({ name, description }) =>
        update.mutate(
          { name, description: description.trim() || null },
          { onError: (error) => void showFieldErrors(error, form.setErrors) },
        ),
      )}
    >
      <Stack>
        <TextInput label="Name" data-autofocus required maxLength={100} {...form.getInputProps('name')} />
        <TextInput label="Description" maxLength={500} {...form.getInputProps('description')} />
        {!shownInFields && <Refusal error={update.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>
            Cancel
          </Button>
          <Button type="submit" loading={update.isPending}>
            Save
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
