/** The Connectors of a Remote Network as they stand now, asked again every five seconds. */
import { Anchor, Stack, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { Cable } from 'lucide-react';
import type { ReactNode } from 'react';
import { api, take } from '../../api/client.ts';
import { usePages } from '../../api/pages.ts';
import { ConnectorBadge, isHere, sentence } from '../../parts/connector-state.tsx';
import { type Columns, DataTable } from '../../parts/data-table.tsx';
import { Empty } from '../../parts/empty.tsx';
import { Time } from '../../parts/time.tsx';

const ask = (network: string, cursor: string | undefined) =>
  take(api.connectors.$get({ query: { remote_network_id: network, cursor } }));
type Connector = Awaited<ReturnType<typeof ask>>['items'][number];

export function ConnectorsOf({ network, add }: { network: string; add: ReactNode }) {
  const pages = usePages(['connectors', network], (cursor) => ask(network, cursor), { refreshMs: 5_000 });
  return (
    <DataTable
      label="Connectors"
      columns={columns}
      pages={pages}
      rowId={({ id }) => id}
      minWidth={760}
      empty={
        <Empty icon={Cable} title="No Connector yet" action={add}>
          Nothing here can be reached before one runs. It takes a minute: the next page shows the command.
        </Empty>
      }
    />
  );
}

const columns: Columns<Connector> = [
  {
    header: 'Name',
    id: 'name',
    cell: ({ row: { original } }) => (
      <Anchor
        component={Link}
        {...({ to: '/connectors/$id', params: { id: original.id } } as object)}
        fw={600}
      >
        {original.name}
      </Anchor>
    ),
  },
  {
    header: 'State',
    id: 'state',
    cell: ({ row: { original } }) => (
      <Stack gap={2} align="flex-start">
        <ConnectorBadge state={original.state} />
        <Text size="xs" c="dimmed" maw={280}>
          {sentence(original.state_reason)}
        </Text>
      </Stack>
    ),
  },
  { header: 'Version', id: 'version', cell: ({ row: { original } }) => original.version ?? '–' },
  { header: 'Host', id: 'host', cell: ({ row: { original } }) => original.hostname ?? '–' },
  {
    header: 'Relays',
    id: 'relays',
    cell: ({ row: { original } }) => {
      const connected = original.relays.filter(({ state }) => state === 'connected').length;
      return !isHere(original.state) || original.relays.length === 0
        ? '–'
        : `${connected} of ${original.relays.length}`;
    },
  },
  {
    header: 'Last seen',
    id: 'seen',
    cell: ({ row: { original } }) => <Time at={original.last_seen_at} never="never" />,
  },
];
