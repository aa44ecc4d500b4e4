/** What an administrator writes of a Remote Network, for a new one (`create.tsx`) and for changes (`edit.tsx`). */
import { Button, Group, Modal, Stack, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import type { UseMutationResult } from '@tanstack/react-query';
import { showFieldErrors } from '../../parts/form-errors.ts';
import { Refusal } from '../../parts/refusal.tsx';

export interface NetworkFields {
  name: string;
  location: string | null;
}

export function NetworkForm({
  opened,
  close,
  title,
  verb,
  initial,
  change,
}: {
  opened: boolean;
  close: () => void;
  title: string;
  verb: string;
  initial: NetworkFields;
  change: Pick<UseMutationResult<unknown, Error, NetworkFields>, 'mutate' | 'error' | 'isPending'>;
}) {
  const form = useForm({ initialValues: { name: initial.name, location: initial.location ?? '' } });
  const shownInFields = change.error !== null && Object.keys(form.errors).length > 0;
  return (
    <Modal opened={opened} onClose={close} title={title}>
      <form
        onSubmit={form.onSubmit(({ name, location }) =>
          change.mutate(
            { name, location: location.trim() || null },
            { onError: (error) => void showFieldErrors(error, form.setErrors) },
          ),
        )}
      >
        <Stack>
          <TextInput
            label="Name"
            placeholder="office"
            data-autofocus
            required
            maxLength={100}
            {...form.getInputProps('name')}
          />
          <TextInput
            label="Location"
            description="For people: a city, a region, a cloud account."
            placeholder="Berlin"
            maxLength={200}
            {...form.getInputProps('location')}
          />
          {!shownInFields && <Refusal error={change.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              Cancel
            </Button>
            <Button type="submit" loading={change.isPending}>
              {verb}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
