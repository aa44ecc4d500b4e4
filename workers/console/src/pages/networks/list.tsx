/** Remote Networks: the places where Resources are, searched, created, each leading to its page. */
import { Anchor, Button } from '@mantine/core';
import { getRouteApi, Link } from '@tanstack/react-router';
import { Network, Plus } from 'lucide-react';
import { api, take } from '../../api/client.ts';
import { usePages } from '../../api/pages.ts';
import { useCan } from '../../api/session.ts';
import { type Columns, DataTable } from '../../parts/data-table.tsx';
import { Empty } from '../../parts/empty.tsx';
import { Page } from '../../parts/page.tsx';
import { Search } from '../../parts/search.tsx';
import { Time } from '../../parts/time.tsx';
import { CreateNetwork } from './create.tsx';

const route = getRouteApi('/networks');
const ask = (q: string | undefined, cursor: string | undefined) =>
  take(api['remote-networks'].$get({ query: { q, cursor } }));
type RemoteNetwork = Awaited<ReturnType<typeof ask>>['items'][number];

export default function NetworkList() {
  const { q } = route.useSearch();
  const navigate = route.useNavigate();
  const pages = usePages(['remote-networks', q], (cursor) => ask(q, cursor));
  const mayWrite = useCan()('networks:write');
  const create = mayWrite && (
    <CreateNetwork
      opener={(open) => (
        <Button leftSection={<Plus size={16} />} onClick={open}>
          Create a Remote Network
        </Button>
      )}
    />
  );
  return (
    <Page
      title="Remote Networks"
      about="A place with private Resources: an office, a VPC, a cluster. Connectors run there and only dial out."
      actions={create}
    >
      <Search
        label="Search Remote Networks"
        value={q}
        onChange={(q) => navigate({ search: { q }, replace: true })}
      />
      <DataTable
        label="Remote Networks"
        columns={columns}
        pages={pages}
        rowId={({ id }) => id}
        minWidth={560}
        empty={
          q === undefined ? (
            <Empty icon={Network} title="No Remote Network yet" action={create}>
              Create one for each place with Resources; then add a Connector there.
            </Empty>
          ) : (
            <Empty icon={Network} title={`No Remote Network has “${q}” in its name`}>
              Search for a part of the name or of the location.
            </Empty>
          )
        }
      />
    </Page>
  );
}

const columns: Columns<RemoteNetwork> = [
  {
    header: 'Name',
    id: 'name',
    cell: ({ row: { original } }) => (
      <Anchor component={Link} {...({ to: '/networks/$id', params: { id: original.id } } as object)} fw={600}>
        {original.name}
      </Anchor>
    ),
  },
  { header: 'Location', id: 'location', cell: ({ row: { original } }) => original.location || '–' },
  { header: 'Connectors', id: 'connectors', cell: ({ row: { original } }) => original.connectors },
  { header: 'Resources', id: 'resources', cell: ({ row: { original } }) => original.resources },
  { header: 'Created', id: 'created', cell: ({ row: { original } }) => <Time at={original.created_at} /> },
];
