/** Service Accounts: searched, created, each leading to its page. */
import { Anchor, Badge, Button, Text, Tooltip } from '@mantine/core';
import { getRouteApi, Link } from '@tanstack/react-router';
import { Boxes, Plus } from 'lucide-react';
import { api, take } from '../../api/client.ts';
import { usePages } from '../../api/pages.ts';
import { useCan } from '../../api/session.ts';
import { type Columns, DataTable } from '../../parts/data-table.tsx';
import { Empty } from '../../parts/empty.tsx';
import { Page } from '../../parts/page.tsx';
import { Search } from '../../parts/search.tsx';
import { Time } from '../../parts/time.tsx';
import { CreateService } from './create.tsx';

const route = getRouteApi('/services');
const ask = (q: string | undefined, cursor: string | undefined) =>
  take(api['service-accounts'].$get({ query: { q, cursor } }));
type Service = Awaited<ReturnType<typeof ask>>['items'][number];

export default function ServiceList() {
  const { q } = route.useSearch();
  const navigate = route.useNavigate();
  const pages = usePages(['services', 'list', q], (cursor) => ask(q, cursor), { refreshMs: 10_000 });
  const mayWrite = useCan()('services:write');
  const create = mayWrite && (
    <CreateService
      opener={(open) => (
        <Button leftSection={<Plus size={16} />} onClick={open}>
          Create a Service
        </Button>
      )}
    />
  );
  return (
    <Page
      title="Services"
      about="Programs, pipelines and machines that reach Resources with a Service Key, without a person."
      actions={create}
    >
      <Search
        label="Search Services"
        value={q}
        onChange={(q) => navigate({ search: { q }, replace: true })}
      />
      <DataTable
        label="Services"
        columns={columns}
        pages={pages}
        rowId={({ id }) => id}
        minWidth={720}
        empty={
          q === undefined ? (
            <Empty icon={Boxes} title="No Service yet" action={create}>
              Create one for each system that needs access, then give it a key and the Resources that it may
              reach.
            </Empty>
          ) : (
            <Empty icon={Boxes} title={`No Service is called “${q}”`}>
              Search for a part of the name or description.
            </Empty>
          )
        }
      />
    </Page>
  );
}

const columns: Columns<Service> = [
  {
    header: 'Name',
    id: 'name',
    cell: ({ row: { original } }) => (
      <>
        <Anchor
          component={Link}
          {...({ to: '/services/$id', params: { id: original.id } } as object)}
          fw={600}
        >
          {original.name}
        </Anchor>
        {original.description !== null && (
          <Text size="xs" c="dimmed" lineClamp={1}>
            {original.description}
          </Text>
        )}
      </>
    ),
  },
  { header: 'Active keys', id: 'keys', cell: ({ row: { original } }) => original.active_keys },
  { header: 'Resources', id: 'resources', cell: ({ row: { original } }) => original.resources },
  {
    header: 'Clients now',
    id: 'live',
    cell: ({ row: { original } }) =>
      original.live_instances === 0 ? (
        <Text span inherit c="dimmed">
          none
        </Text>
      ) : (
        <Badge variant="dot" color="teal">
          {original.live_instances}
        </Badge>
      ),
  },
  { header: 'Last used', id: 'used', cell: ({ row: { original } }) => <Time at={original.last_used_at} /> },
  {
    header: 'Notes',
    id: 'warnings',
    cell: ({ row: { original } }) => <Warned of={original} />,
  },
];

function Warned({ of: { warnings } }: { of: Service }) {
  if (warnings.length === 0) return null;
  return (
    <Tooltip label={warnings.map(({ detail }) => detail).join('; ')}>
      <Badge variant="dot" color="orange" tabIndex={0}>
        {warnings.length === 1 ? '1 warning' : `${warnings.length} warnings`}
      </Badge>
    </Tooltip>
  );
}
