/** Gives a local group another name. */
import { Button, Group, Modal, Stack, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useDisclosure } from '@mantine/hooks';
import { useChange } from '../../api/change.ts';
import { api, take } from '../../api/client.ts';
import { Refusal } from '../../parts/refusal.tsx';

export function RenameGroup({ group: { id, name } }: { group: { id: string; name: string } }) {
  const [opened, { open, close }] = useDisclosure(false);
  const form = useForm({ initialValues: { name } });
  const rename = useChange(
    (json: { name: string }) => take(api.groups[':id'].$patch({ param: { id }, json })),
    { quiet: true, done: 'Renamed', after: close },
  );
  return (
    <>
      <Button
        variant="default"
        onClick={() => {
          form.setValues({ name });
          open();
        }}
      >
        Rename
      </Button>
      <Modal opened={opened} onClose={close} title={`Rename ${name}`}>
        <form onSubmit={form.onSubmit((values) => rename.mutate(values))}>
          <Stack>
            <TextInput label="Name" required maxLength={128} data-autofocus {...form.getInputProps('name')} />
            <Refusal error={rename.error} />
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
      </Modal>
    </>
  );
}
