/** Security Policies: what people must show beyond who they are; one is the default. */
import { Anchor, Badge, Button, Group, Text } from '@mantine/core';
import { getRouteApi, Link } from '@tanstack/react-router';
import { Plus, ShieldCheck } from 'lucide-react';
import { api, take } from '../../api/client.ts';
import { usePages } from '../../api/pages.ts';
import { useCan } from '../../api/session.ts';
import { type Columns, DataTable } from '../../parts/data-table.tsx';
import { Empty } from '../../parts/empty.tsx';
import { Page } from '../../parts/page.tsx';
import { Search } from '../../parts/search.tsx';
import { Time } from '../../parts/time.tsx';
import { sayRules } from './say-rules.ts';

const route = getRouteApi('/policies');
const ask = (q: string | undefined, cursor: string | undefined) =>
  take(api.policies.$get({ query: { q, cursor } }));
type Policy = Awaited<ReturnType<typeof ask>>['items'][number];

export default function PolicyList() {
  const { q } = route.useSearch();
  const navigate = route.useNavigate();
  const pages = usePages(['policies', q], (cursor) => ask(q, cursor));
  const create = useCan()('policies:write') && (
    <Button
      component={Link}
      {...({ to: '/policies/$id', params: { id: 'new' } } as object)}
      leftSection={<Plus size={16} />}
    >
      Create a policy
    </Button>
  );
  return (
    <Page
      title="Policies"
      about="What people must show beyond being who they are. Each Resource names one, or the default counts; Services are never asked."
      actions={create}
    >
      <Search
        label="Search policies"
        value={q}
        onChange={(q) => navigate({ search: { q }, replace: true })}
      />
      <DataTable
        label="Policies"
        columns={columns}
        pages={pages}
        rowId={({ id }) => id}
        minWidth={720}
        empty={
          q === undefined ? (
            <Empty icon={ShieldCheck} title="No policy yet" action={create}>
              Until there is one, a login of the last day is enough for everything that is granted.
            </Empty>
          ) : (
            <Empty icon={ShieldCheck} title={`No policy is called “${q}”`}>
              Search for a part of the name.
            </Empty>
          )
        }
      />
    </Page>
  );
}

const columns: Columns<Policy> = [
  {
    header: 'Name',
    id: 'name',
    cell: ({ row: { original } }) => (
      <Group gap="xs" wrap="nowrap">
        <Anchor
          component={Link}
          {...({ to: '/policies/$id', params: { id: original.id } } as object)}
          fw={600}
        >
          {original.name}
        </Anchor>
        {original.is_default && <Badge color="gate">default</Badge>}
      </Group>
    ),
  },
  {
    header: 'Asks for',
    id: 'rules',
    cell: ({ row: { original } }) => <Text size="sm">{sayRules(original.rules).join(' · ')}</Text>,
  },
  { header: 'Resources', id: 'resources', cell: ({ row: { original } }) => original.resources },
  { header: 'Changed', id: 'updated', cell: ({ row: { original } }) => <Time at={original.updated_at} /> },
];
