/** The form that lets a Service Account reach one more Resource, for good or until a time. */
import { Button, Group, Modal, Stack, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useDisclosure } from '@mantine/hooks';
import type { ReactNode } from 'react';
import { useChange } from '../../api/change.ts';
import { api, take } from '../../api/client.ts';
import { now } from '../../browser/now.ts';
import { showFieldErrors } from '../../parts/form-errors.ts';
import { Picker } from '../../parts/picker.tsx';
import { Refusal } from '../../parts/refusal.tsx';

interface Props {
  service: { id: string; name: string };
  opener: (open: () => void) => ReactNode;
}

const askResources = async (q: string | undefined) => {
  const { items } = await take(api.resources.$get({ query: { q, limit: 20 } }));
  return items.map(({ id, name, address }) => ({ value: id, label: `${name} (${address})` }));
};

export function AddGrant({ service, opener }: Props) {
  const [opened, { open, close }] = useDisclosure(false);
  return (
    <>
      {opener(open)}
      <Modal opened={opened} onClose={close} title={`Add a Resource to ${service.name}`}>
        <Form service={service} close={close} />
      </Modal>
    </>
  );
}

function Form({ service: { id, name }, close }: Omit<Props, 'opener'> & { close: () => void }) {
  const form = useForm({
    initialValues: { resource_id: null as string | null, expires_at: '' },
    validate: {
      resource_id: (chosen) => (chosen === null ? 'Choose one' : null),
      expires_at: (text) => (text !== '' && !(Date.parse(text) > now()) ? 'A time to come' : null),
    },
  });
  const add = useChange(
    (json: { resource_id: string; service_account_id: string; expires_at: string | null }) =>
      take(api.grants.$post({ json })),
    { quiet: true, done: `${name} may reach one more Resource`, after: close },
  );
  const shownInFields = add.error !== null && Object.keys(form.errors).length > 0;
  return (
    <form
      onSubmit={form.onSubmit(({ resource_id, expires_at: until }) =>
        add.mutate(
          {
            resource_id: resource_id!,
            service_account_id: id,
            // The field has the time here, without a zone.
            expires_at: until === '' ? null : new Date(until).toISOString(),
          },
          { onError: (error) => void showFieldErrors(error, form.setErrors) },
        ),
      )}
    >
      <Stack>
        <Picker
          label="Resource"
          placeholder="Search by name or address"
          required
          data-autofocus
          asked={['resources']}
          ask={askResources}
          nothingFoundMessage="No Resource has this in its name or address"
          value={form.values.resource_id}
          onChange={(chosen) => form.setFieldValue('resource_id', chosen)}
          error={form.errors['resource_id']}
        />
        <TextInput
          type="datetime-local"
          label="Until"
          description="Empty: for good."
          {...form.getInputProps('expires_at')}
        />
        {!shownInFields && <Refusal error={add.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>
            Cancel
          </Button>
          <Button type="submit" loading={add.isPending}>
            Add
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
