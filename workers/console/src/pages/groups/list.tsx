/** Groups, local and from the identity provider: searched, created, each leading to its page. */
import { Anchor, Badge, Button } from '@mantine/core';
import { getRouteApi, Link } from '@tanstack/react-router';
import { Plus, UsersRound } from 'lucide-react';
import { api, take } from '../../api/client.ts';
import { usePages } from '../../api/pages.ts';
import { useCan } from '../../api/session.ts';
import { type Columns, DataTable } from '../../parts/data-table.tsx';
import { Empty } from '../../parts/empty.tsx';
import { Page } from '../../parts/page.tsx';
import { Search } from '../../parts/search.tsx';
import { Time } from '../../parts/time.tsx';
import { CreateGroup } from './create.tsx';

const route = getRouteApi('/groups');
const ask = (q: string | undefined, cursor: string | undefined) =>
  take(api.groups.$get({ query: { q, cursor } }));
type Group = Awaited<ReturnType<typeof ask>>['items'][number];

export default function GroupList() {
  const { q } = route.useSearch();
  const navigate = route.useNavigate();
  const pages = usePages(['groups', q], (cursor) => ask(q, cursor));
  const mayWrite = useCan()('groups:write');
  const create = mayWrite && (
    <CreateGroup
      opener={(open) => (
        <Button leftSection={<Plus size={16} />} onClick={open}>
          Create a group
        </Button>
      )}
    />
  );
  return (
    <Page title="Groups" about="What is granted to a group, each of its members may reach." actions={create}>
      <Search label="Search groups" value={q} onChange={(q) => navigate({ search: { q }, replace: true })} />
      <DataTable
        label="Groups"
        columns={columns}
        pages={pages}
        rowId={({ id }) => id}
        empty={
          q === undefined ? (
            <Empty icon={UsersRound} title="No group yet" action={create}>
              Create one here, or let your identity provider bring them by SCIM.
            </Empty>
          ) : (
            <Empty icon={UsersRound} title={`No group is called “${q}”`}>
              Search for a part of the name.
            </Empty>
          )
        }
      />
    </Page>
  );
}

const columns: Columns<Group> = [
  {
    header: 'Name',
    id: 'name',
    cell: ({ row: { original } }) => (
      <Anchor component={Link} {...({ to: '/groups/$id', params: { id: original.id } } as object)} fw={600}>
        {original.name}
      </Anchor>
    ),
  },
  {
    header: 'From',
    id: 'source',
    cell: ({ row: { original } }) =>
      original.source === 'scim' ? <Badge color="blue">SCIM</Badge> : <Badge color="gray">local</Badge>,
  },
  { header: 'Members', id: 'members', cell: ({ row: { original } }) => original.members },
  { header: 'Resources', id: 'resources', cell: ({ row: { original } }) => original.resources },
  { header: 'Changed', id: 'updated', cell: ({ row: { original } }) => <Time at={original.updated_at} /> },
];
