/** The form that makes a local group; it opens the group's page, where members are added. */
import { Button, Group, Modal, Stack, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useDisclosure } from '@mantine/hooks';
import { useNavigate } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useChange } from '../../api/change.ts';
import { api, take } from '../../api/client.ts';
import { showFieldErrors } from '../../parts/form-errors.ts';
import { Refusal } from '../../parts/refusal.tsx';

export function CreateGroup({ opener }: { opener: (open: () => void) => ReactNode }) {
  const [opened, { open, close }] = useDisclosure(false);
  const navigate = useNavigate();
  const form = useForm({ initialValues: { name: '' } });
  const create = useChange((json: { name: string }) => take(api.groups.$post({ json })), {
    quiet: true,
    done: ({ name }) => `Group ${name} created`,
    after: ({ id }) => navigate({ to: '/groups/$id', params: { id } }),
  });
  const shownInFields = create.error !== null && Object.keys(form.errors).length > 0;
  return (
    <>
      {opener(open)}
      <Modal opened={opened} onClose={close} title="Create a group">
        <form
          onSubmit={form.onSubmit((values) =>
            create.mutate(values, { onError: (error) => void showFieldErrors(error, form.setErrors) }),
          )}
        >
          <Stack>
            <TextInput label="Name" data-autofocus required maxLength={128} {...form.getInputProps('name')} />
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
