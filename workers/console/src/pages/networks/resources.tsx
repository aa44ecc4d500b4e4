/** The Resources of a Remote Network. */
import { Server } from 'lucide-react';
import type { ReactNode } from 'react';
import { api, take } from '../../api/client.ts';
import { usePages } from '../../api/pages.ts';
import { DataTable } from '../../parts/data-table.tsx';
import { Empty } from '../../parts/empty.tsx';
import { resourceColumns } from '../resources/columns.tsx';

export function ResourcesOf({ network, create }: { network: string; create: ReactNode }) {
  const pages = usePages(['resources', 'of', network], (cursor) =>
    take(api.resources.$get({ query: { remote_network_id: network, cursor } })),
  );
  return (
    <DataTable
      label="Resources"
      columns={columns}
      pages={pages}
      rowId={({ id }) => id}
      empty={
        <Empty icon={Server} title="No Resource yet" action={create}>
          Create one for each host, name or network that somebody is to reach here.
        </Empty>
      }
    />
  );
}

const columns = resourceColumns.filter(({ id }) => id !== 'network');
