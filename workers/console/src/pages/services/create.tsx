/** The form that makes a Service Account; it opens its page, where keys and Resources are added. */
import { Button, Group, Modal, Stack, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useDisclosure } from '@mantine/hooks';
import { useNavigate } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useChange } from '../../api/change.ts';
import { api, take } from '../../api/client.ts';
import { showFieldErrors } from '../../parts/form-errors.ts';
import { Refusal } from '../../parts/refusal.tsx';

export function CreateService({ opener }: { opener: (open: () => void) => ReactNode }) {
  const [opened, { open, close }] = useDisclosure(false);
  const navigate = useNavigate();
  const form = useForm({ initialValues: { name: '', description: '' } });
  const create = useChange(
    (json: { name: string; description: string | null }) => take(api['service-accounts'].$post({ json })),
    {
      quiet: true,
      done: ({ name }) => `Service ${name} created`,
      after: ({ id }) => navigate({ to: '/services/$id', params: { id } }),
    },
  );
  const shownInFields = create.error !== null && Object.keys(form.errors).length > 0;
  return (
    <>
      {opener(open)}
      <Modal opened={opened} onClose={close} title="Create a Service">
        <form
          onSubmit={form.onSubmit(({ name, description }) =>
            create.mutate(
              { name, description: description.trim() || null },
              { onError: (error) => void showFieldErrors(error, form.setErrors) },
            ),
          )}
        >
          <Stack>
            <TextInput
              label="Name"
              description="Of the system that it is for: one Service for each."
              placeholder="ci-runners"
              data-autofocus
              required
              maxLength={100}
              {...form.getInputProps('name')}
            />
            <TextInput label="Description" maxLength={500} {...form.getInputProps('description')} />
            {!shownInFields && <Refusal error={create.error} />}
            <Group justify="flex-end">
              <Button variant="default" onClick={close}>
                Cancel
              </Button>
              <Button type="submit" loading={create.isPending}>
                Create
              </Button>
            </Group>
          </Stack>
        </form>
      </Modal>
    </>
  );
}
