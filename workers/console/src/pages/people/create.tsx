/** The form that adds somebody before they have logged in for the first time. */
import { Button, Group, Modal, Select, Stack, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useDisclosure } from '@mantine/hooks';
import { useNavigate } from '@tanstack/react-router';
import { Plus } from 'lucide-react';
import { mayAppoint, type Role, roles } from '#schema/people/roles.ts';
import { useChange } from '../../api/change.ts';
import { api, take } from '../../api/client.ts';
import { useSession } from '../../api/session.ts';
import { showFieldErrors } from '../../parts/form-errors.ts';
import { Refusal } from '../../parts/refusal.tsx';

interface Values {
  email: string;
  name: string;
  role: Role | null;
}

export function CreatePerson() {
  const [opened, { open, close }] = useDisclosure(false);
  const navigate = useNavigate();
  const { scopes } = useSession();
  const form = useForm<Values>({ initialValues: { email: '', name: '', role: null } });
  const create = useChange(
    ({ name, ...values }: Values) =>
      take(api.users.$post({ json: { ...values, name: name.trim() || null } })),
    {
      quiet: true,
      done: ({ user_name }) => `${user_name} added`,
      after: ({ id }) => navigate({ to: '/people/$id', params: { id } }),
    },
  );
  const inFields = create.error !== null && Object.keys(form.errors).length > 0;
  return (
    <>
      <Button leftSection={<Plus size={16} />} onClick={open}>
        Add a person
      </Button>
      <Modal opened={opened} onClose={close} title="Add a person">
        <form
          onSubmit={form.onSubmit((values) =>
            create.mutate(values, { onError: (error) => void showFieldErrors(error, form.setErrors) }),
          )}
        >
          <Stack>
            <TextInput
              label="E-mail address"
              description="As the identity provider vouches for it"
              type="email"
              required
              data-autofocus
              {...form.getInputProps('email')}
            />
            <TextInput label="Name" maxLength={200} {...form.getInputProps('name')} />
            <RoleSelect held={scopes} {...form.getInputProps('role')} />
            {!inFields && <Refusal error={create.error} />}
            <Group justify="flex-end">
              <Button variant="default" onClick={close}>
                Cancel
              </Button>
              <Button type="submit" loading={create.isPending}>
                Add
              </Button>
            </Group>
          </Stack>
        </form>
      </Modal>
    </>
  );
}

const says: Record<Role, string> = {
  owner: 'owner – everything, and makes owners',
  admin: 'admin – everything but owners',
  devops: 'devops – the network, not people',
  support: 'support – reads, no secrets',
  auditor: 'auditor – reads everything, exports',
};

/** Only roles that the caller may give. */
export function RoleSelect({
  held,
  ...props
}: {
  held: readonly string[];
  value?: Role | null;
  onChange?: (role: Role | null) => void;
  disabled?: boolean;
}) {
  const { value, onChange, ...more } = props;
  return (
    <Select
      label="Role in the console"
      placeholder="none: uses what is granted, and no more"
      clearable
      data={roles.map((role) => ({ value: role, label: says[role], disabled: !mayAppoint(held, role) }))}
      value={value ?? null}
      onChange={(role) => onChange?.(role as Role | null)}
      {...more}
    />
  );
}
