/** The people of the Tenant: searched, by role, added before they come; each leads to their page. */
import { Anchor, Badge, Group, Select, Text } from '@mantine/core';
import { getRouteApi, Link } from '@tanstack/react-router';
import { Users } from 'lucide-react';
import { type Role, roles } from '#schema/people/roles.ts';
import { api, take } from '../../api/client.ts';
import { usePages } from '../../api/pages.ts';
import { useCan } from '../../api/session.ts';
import { type Columns, DataTable } from '../../parts/data-table.tsx';
import { Empty } from '../../parts/empty.tsx';
import { Page } from '../../parts/page.tsx';
import { Search } from '../../parts/search.tsx';
import { Time } from '../../parts/time.tsx';
import { CreatePerson } from './create.tsx';

const route = getRouteApi('/people');
const ask = (q: string | undefined, role: Role | undefined, cursor: string | undefined) =>
  take(api.users.$get({ query: { q, role, cursor } }));
type User = Awaited<ReturnType<typeof ask>>['items'][number];

export default function PeopleList() {
  const { q, role } = route.useSearch();
  const navigate = route.useNavigate();
  const pages = usePages(['users', q, role], (cursor) => ask(q, role, cursor));
  const create = useCan()('users:write') && <CreatePerson />;
  return (
    <Page
      title="People"
      about="Who may log in. A role opens this console; what somebody reaches is granted to them or to their groups."
      actions={create}
    >
      <Group gap="sm">
        <Search
          label="Search people"
          value={q}
          onChange={(q) => navigate({ search: { q, role }, replace: true })}
        />
        <Select
          aria-label="Role"
          placeholder="Any role"
          clearable
          data={[...roles]}
          value={role ?? null}
          onChange={(role) => navigate({ search: { q, role: (role as Role) ?? undefined }, replace: true })}
          w={{ base: '100%', xs: 160 }}
        />
      </Group>
      <DataTable
        label="People"
        columns={columns}
        pages={pages}
        rowId={({ id }) => id}
        minWidth={760}
        empty={
          q === undefined && role === undefined ? (
            <Empty icon={Users} title="Nobody yet" action={create}>
              People appear when they log in for the first time, when SCIM brings them, or when you add them.
            </Empty>
          ) : (
            <Empty icon={Users} title="Nobody fits">
              Search for a part of a name or of an address, or choose another role.
            </Empty>
          )
        }
      />
    </Page>
  );
}

export const sources = {
  setup: 'the setup',
  admin: 'an administrator',
  login: 'their first login',
  scim: 'SCIM',
} as const;

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
            {original.email ?? original.user_name}
          </Text>
        )}
      </>
    ),
  },
  {
    header: 'Role',
    id: 'role',
    cell: ({ row: { original } }) =>
      original.role ? (
        <Badge color="gate">{original.role}</Badge>
      ) : (
        <Text size="sm" c="dimmed">
          none
        </Text>
      ),
  },
  {
    header: 'State',
    id: 'state',
    cell: ({ row: { original } }) =>
      original.active ? <Badge color="teal">active</Badge> : <Badge color="red">deactivated</Badge>,
  },
  { header: 'Groups', id: 'groups', cell: ({ row: { original } }) => original.groups },
  { header: 'By', id: 'source', cell: ({ row: { original } }) => sources[original.source] },
  {
    header: 'Last login',
    id: 'login',
    cell: ({ row: { original } }) => <Time at={original.last_login_at} />,
  },
];
