/** What a Service Account may reach: Resources, each for good or until a time. */
import { Anchor, Badge, Button, Group, Text } from '@mantine/core';
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
import { Search } from '../../parts/search.tsx';
import { Section } from '../../parts/section.tsx';
import { Time } from '../../parts/time.tsx';
import { AddGrant } from './add-grant.tsx';

interface Service {
  id: string;
  name: string;
}

const ask = (service: string, q: string | undefined, cursor: string | undefined) =>
  take(api.grants.$get({ query: { service_account_id: service, q, cursor } }));
type Grant = Awaited<ReturnType<typeof ask>>['items'][number];

export function Grants({ service }: { service: Service }) {
  const [q, setQ] = useState<string>();
  const pages = usePages(['grants', 'of', service.id, q], (cursor) => ask(service.id, q, cursor));
  const can = useCan();
  const add = can('grants:write') && can('resources:read') && (
    <AddGrant
      service={service}
      opener={(open) => (
        <Button leftSection={<Plus size={16} />} onClick={open}>
          Add a Resource
        </Button>
      )}
    />
  );
  const some = q !== undefined || (pages.rows !== undefined && pages.rows.length > 0);
  return (
    <Section
      title="Resources"
      about="Any active key of this Service opens each of these. Security Policies are for people alone."
      actions={some && add}
    >
      {some && <Search label="Search its Resources" value={q} onChange={setQ} />}
      <DataTable
        label="Resources"
        columns={can('grants:write') ? [...columns, actions] : columns}
        pages={pages}
        rowId={({ id }) => id}
        empty={
          q === undefined ? (
            <Empty icon={Server} title="No Resource yet" action={add}>
              Without one, its keys open nothing.
            </Empty>
          ) : (
            <Empty icon={Server} title={`No Resource of it matches “${q}”`}>
              Search for a part of the name or address.
            </Empty>
          )
        }
      />
    </Section>
  );
}

const columns: Columns<Grant> = [
  {
    header: 'Name',
    id: 'name',
    cell: ({ row: { original } }) => (
      <Anchor
        component={Link}
        {...({ to: '/resources/$id', params: { id: original.resource_id } } as object)}
        fw={600}
      >
        {original.resource_name}
      </Anchor>
    ),
  },
  {
    header: 'Address',
    id: 'address',
    cell: ({ row: { original } }) => (
      <Text span ff="monospace" fz="sm">
        {original.resource_address}
      </Text>
    ),
  },
  {
    header: 'Until',
    id: 'until',
    cell: ({ row: { original } }) => (
      <Group gap={6} wrap="nowrap">
        <Time at={original.expires_at} never="for good" />
        {original.state === 'expired' && (
          <Badge variant="dot" color="gray">
            Expired
          </Badge>
        )}
      </Group>
    ),
  },
  { header: 'Granted', id: 'granted', cell: ({ row: { original } }) => <Time at={original.created_at} /> },
];

const actions: Columns<Grant>[number] = {
  header: 'Actions',
  id: 'actions',
  cell: ({ row: { original } }) => <Remove of={original} />,
};

function Remove({ of: { id, resource_name: name, grantee_name: service } }: { of: Grant }) {
  const remove = useChange(() => take(api.grants[':id'].$delete({ param: { id } })), {
    done: `${service} may no longer reach ${name}`,
  });
  return (
    <Confirm
      title={`Remove ${name}`}
      verb="Remove"
      run={remove.mutateAsync}
      opener={(open) => (
        <Button
          size="compact-sm"
          variant="default"
          c="var(--mantine-color-error)"
          onClick={open}
          aria-label={`Remove ${name}`}
        >
          Remove
        </Button>
      )}
    >
      {service} may no longer reach {name}, and its open flows to it are cut at once. The Resource itself
      stays.
    </Confirm>
  );
}
