/** What is granted to a person or to a group, and until when; more is granted, and taken back. */
import { Anchor, Badge, Button, Group, Modal, Select, Stack, Text, TextInput, Title } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useDebouncedValue, useDisclosure } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Plus, Server } from 'lucide-react';
import { useState } from 'react';
import { useChange } from '../../api/change.ts';
import { api, take } from '../../api/client.ts';
import { usePages } from '../../api/pages.ts';
import { useCan } from '../../api/session.ts';
import { Confirm } from '../../parts/confirm.tsx';
import { type Columns, DataTable } from '../../parts/data-table.tsx';
import { Empty } from '../../parts/empty.tsx';
import { Refusal } from '../../parts/refusal.tsx';
import { Time } from '../../parts/time.tsx';

export type Grantee = { user_id: string } | { group_id: string };

const ask = (to: Grantee, cursor: string | undefined) => take(api.grants.$get({ query: { ...to, cursor } }));
type Grant = Awaited<ReturnType<typeof ask>>['items'][number];

export function Grants({ to, name }: { to: Grantee; name: string }) {
  const pages = usePages(['grants', to], (cursor) => ask(to, cursor));
  const add = useCan()('grants:write') && <AddGrant to={to} name={name} />;
  return (
    <Stack component="section" gap="sm" aria-label="May reach">
      <Group justify="space-between">
        <Title order={2}>May reach</Title>
        {add}
      </Group>
      <DataTable
        label={`What ${name} may reach`}
        columns={columns}
        pages={pages}
        rowId={({ id }) => id}
        empty={
          <Empty icon={Server} title="Nothing is granted here" action={add}>
            Grant a Resource, for good or until a day that you choose.
          </Empty>
        }
      />
    </Stack>
  );
}

const columns: Columns<Grant> = [
  {
    header: 'Resource',
    id: 'resource',
    cell: ({ row: { original } }) => (
      <>
        <Anchor
          component={Link}
          {...({ to: '/resources/$id', params: { id: original.resource_id } } as object)}
          fw={600}
        >
          {original.resource_name}
        </Anchor>
        <Text size="xs" c="dimmed" ff="monospace">
          {original.resource_address}
        </Text>
      </>
    ),
  },
  {
    header: 'Until',
    id: 'until',
    cell: ({ row: { original } }) =>
      original.state === 'expired' ? (
        <Badge color="gray">expired</Badge>
      ) : (
        <Time at={original.expires_at} never="for good" />
      ),
  },
  { header: 'Granted', id: 'granted', cell: ({ row: { original } }) => <Time at={original.created_at} /> },
  { header: '', id: 'actions', cell: ({ row: { original } }) => <TakeBack grant={original} /> },
];

function TakeBack({ grant: { id, resource_name } }: { grant: Grant }) {
  const mayWrite = useCan()('grants:write');
  const remove = useChange(() => take(api.grants[':id'].$delete({ param: { id } })), {
    done: `${resource_name} is reached no more`,
  });
  if (!mayWrite) return null;
  return (
    <Confirm
      title={`Take back ${resource_name}?`}
      verb="Take back"
      run={() => remove.mutateAsync()}
      opener={(open) => (
        <Button
          variant="default"
          c="var(--mantine-color-error)"
          size="compact-sm"
          onClick={open}
          aria-label={`Take back ${resource_name}`}
        >
          Take back
        </Button>
      )}
    >
      Flows that nothing else allows are cut at once.
    </Confirm>
  );
}

function AddGrant({ to, name }: { to: Grantee; name: string }) {
  const [opened, { open, close }] = useDisclosure(false);
  const [typed, setTyped] = useState('');
  const [q] = useDebouncedValue(typed.trim() || undefined, 250);
  const found = useQuery({
    queryKey: ['resources', 'to-grant', q],
    queryFn: () => take(api.resources.$get({ query: { q, limit: '20' } })),
    enabled: opened,
  });
  const form = useForm({ initialValues: { resource: null as string | null, until: '' } });
  const hide = () => {
    form.reset();
    setTyped('');
    grant.reset();
    close();
  };
  const grant = useChange(
    ({ resource, until }: { resource: string; until: string }) =>
      take(
        api.grants.$post({
          json: {
            ...to,
            resource_id: resource,
            expires_at: until === '' ? null : new Date(`${until}T23:59:59`).toISOString(),
          },
        }),
      ),
    { quiet: true, done: 'Granted', after: hide },
  );
  return (
    <>
      <Button variant="default" leftSection={<Plus size={16} />} onClick={open}>
        Grant a Resource
      </Button>
      <Modal opened={opened} onClose={hide} title={`Grant ${name} a Resource`}>
        <form
          onSubmit={form.onSubmit(({ resource, until }) => {
            if (resource !== null) grant.mutate({ resource, until });
          })}
        >
          <Stack>
            <Select
              label="Resource"
              placeholder="Type a part of its name or address"
              searchable
              required
              filter={({ options }) => options}
              onSearchChange={setTyped}
              nothingFoundMessage={found.isFetching ? 'Searching…' : 'No Resource is called that'}
              data={(found.data?.items ?? []).map((one) => ({
                value: one.id,
                label: `${one.name} (${one.address})`,
              }))}
              {...form.getInputProps('resource')}
            />
            <TextInput
              type="date"
              label="Last day"
              description="Empty: for good"
              {...form.getInputProps('until')}
            />
            <Refusal error={grant.error} />
            <Group justify="flex-end">
              <Button variant="default" onClick={hide}>
                Cancel
              </Button>
              <Button type="submit" loading={grant.isPending} disabled={form.values.resource === null}>
                Grant
              </Button>
            </Group>
          </Stack>
        </form>
      </Modal>
    </>
  );
}
