/** Resources: what can be reached, searched, created, each leading to its page. */
import { Button } from '@mantine/core';
import { getRouteApi } from '@tanstack/react-router';
import { Plus, Server } from 'lucide-react';
import { api, take } from '../../api/client.ts';
import { usePages } from '../../api/pages.ts';
import { useCan } from '../../api/session.ts';
import { DataTable } from '../../parts/data-table.tsx';
import { Empty } from '../../parts/empty.tsx';
import { Page } from '../../parts/page.tsx';
import { Search } from '../../parts/search.tsx';
import { resourceColumns } from './columns.tsx';
import { CreateResource } from './create.tsx';

const route = getRouteApi('/resources');

export default function ResourceList() {
  const { q } = route.useSearch();
  const navigate = route.useNavigate();
  const pages = usePages(['resources', q], (cursor) => take(api.resources.$get({ query: { q, cursor } })));
  const mayWrite = useCan()('resources:write');
  const create = mayWrite && (
    <CreateResource
      opener={(open) => (
        <Button leftSection={<Plus size={16} />} onClick={open}>
          Create a Resource
        </Button>
      )}
    />
  );
  return (
    <Page
      title="Resources"
      about="A host, a name or a network behind Connectors. Nobody reaches one before it is granted to them."
      actions={create}
    >
      <Search
        label="Search Resources"
        value={q}
        onChange={(q) => navigate({ search: { q }, replace: true })}
      />
      <DataTable
        label="Resources"
        columns={resourceColumns}
        pages={pages}
        rowId={({ id }) => id}
        minWidth={760}
        empty={
          q === undefined ? (
            <Empty icon={Server} title="No Resource yet" action={create}>
              Create one for each host, name or network that somebody is to reach.
            </Empty>
          ) : (
            <Empty icon={Server} title={`No Resource matches “${q}”`}>
              Search for a part of a name, an address or an alias.
            </Empty>
          )
        }
      />
    </Page>
  );
}
