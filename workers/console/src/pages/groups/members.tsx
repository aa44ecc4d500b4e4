/** Who is in a group; in a local one, people are added and removed here. */
import { Anchor, Badge, Button, Group, Modal, Select, Stack, Text, Title } from '@mantine/core';
import { useDebouncedValue, useDisclosure } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Plus, Users } from 'lucide-react';
import { useState } from 'react';
import { useChange } from '../../api/change.ts';
import { api, take } from '../../api/client.ts';
import { usePages } from '../../api/pages.ts';
import { useCan } from '../../api/session.ts';
import { type Columns, DataTable } from '../../parts/data-table.tsx';
import { Empty } from '../../parts/empty.tsx';
import { Refusal } from '../../parts/refusal.tsx';

interface GroupFacts {
  id: string;
  name: string;
  source: 'admin' | 'scim';
}

const ask = (group: string, cursor: string | undefined) =>
  take(api.users.$get({ query: { group_id: group, cursor } }));
type User = Awaited<ReturnType<typeof ask>>['items'][number];

export function Members({ group }: { group: GroupFacts }) {
  const pages = usePages(['users', 'in', group.id], (cursor) => ask(group.id, cursor));
  const mayChange = useCan()('groups:write') && group.source === 'admin';
  const add = mayChange && <AddMember group={group} />;
  const remove: Columns<User>[number] = {
    header: '',
    id: 'actions',
    cell: ({ row: { original } }) => <RemoveMember group={group} user={original} />,
  };
  return (
    <Stack component="section" gap="sm" aria-label="Members">
      <Group justify="space-between">
        <Title order={2}>Members</Title>
        {add}
      </Group>
      <DataTable
        label={`Members of ${group.name}`}
        columns={mayChange ? [...columns, remove] : columns}
        pages={pages}
        rowId={({ id }) => id}
        minWidth={480}
        empty={
          <Empty icon={Users} title="Nobody is in it yet" action={add}>
            {group.source === 'admin'
              ? 'Add the people who shall reach what is granted to this group.'
              : 'The identity provider has put nobody into it.'}
          </Empty>
        }
      />
    </Stack>
  );
}

const columns: Columns<User> = [
  {
    header: 'Name',
    id: 'name',
    cell: ({ row: { original } }) => (
      <>
        <Anchor component={Link} {...({ to: '/people/$id', params: { id: original.id } } as object)} fw={600}>
          {original.name ?? original.user_name}
        </Anchor>
        {original.name !== null && (
          <Text size="xs" c="dimmed">
            {original.user_name}
          </Text>
        )}
      </>
    ),
  },
  {
    header: 'State',
    id: 'state',
    cell: ({ row: { original } }) =>
      original.active ? <Badge color="teal">active</Badge> : <Badge color="red">deactivated</Badge>,
  },
];

function RemoveMember({ group, user }: { group: GroupFacts; user: User }) {
  const name = user.name ?? user.user_name;
  const remove = useChange(
    () => take(api.groups[':id'].members[':user_id'].$delete({ param: { id: group.id, user_id: user.id } })),
    { done: `${name} is no longer in ${group.name}` },
  );
  return (
    <Button
      variant="default"
      c="var(--mantine-color-error)"
      size="compact-sm"
      onClick={() => remove.mutate()}
      loading={remove.isPending}
      aria-label={`Remove ${name}`}
    >
      Remove
    </Button>
  );
}

function AddMember({ group }: { group: GroupFacts }) {
  const [opened, { open, close }] = useDisclosure(false);
  const [typed, setTyped] = useState('');
  const [chosen, setChosen] = useState<string | null>(null);
  const [q] = useDebouncedValue(typed.trim() || undefined, 250);
  const found = useQuery({
    queryKey: ['users', 'to-add', q],
    queryFn: () => take(api.users.$get({ query: { q, limit: '20' } })),
    enabled: opened,
  });
  const hide = () => {
    setChosen(null);
    setTyped('');
    add.reset();
    close();
  };
  const add = useChange(
    (user: string) =>
      take(api.groups[':id'].members.$post({ param: { id: group.id }, json: { user_id: user } })),
    { quiet: true, done: 'Added', after: hide },
  );
  return (
    <>
      <Button variant="default" leftSection={<Plus size={16} />} onClick={open}>
        Add a member
      </Button>
      <Modal opened={opened} onClose={hide} title={`Add somebody to ${group.name}`}>
        <Stack>
          <Select
            label="Person"
            placeholder="Type a part of their name or address"
            searchable
            filter={({ options }) => options}
            onSearchChange={setTyped}
            value={chosen}
            onChange={setChosen}
            nothingFoundMessage={found.isFetching ? 'Searching…' : 'Nobody is called that'}
            data={(found.data?.items ?? []).map(({ id, name, user_name }) => ({
              value: id,
              label: name === null ? user_name : `${name} (${user_name})`,
            }))}
          />
          <Refusal error={add.error} />
          <Group justify="flex-end">
            <Button variant="default" onClick={hide}>
              Cancel
            </Button>
            <Button
              disabled={chosen === null}
              loading={add.isPending}
              onClick={() => chosen !== null && add.mutate(chosen)}
            >
              Add
            </Button>
          </Group>
        </Stack>
      </Modal>
    </>
  );
}
