/** The Clients that run on a Service Account's keys now, each with a button that cuts it alone. */
import { Button, Paper, Stack, Text } from '@mantine/core';
import { useChange } from '../../api/change.ts';
import { api, take } from '../../api/client.ts';
import { usePages } from '../../api/pages.ts';
import { useCan } from '../../api/session.ts';
import { Confirm } from '../../parts/confirm.tsx';
import { type Columns, DataTable } from '../../parts/data-table.tsx';
import { Section } from '../../parts/section.tsx';
import { Time } from '../../parts/time.tsx';
import type { Key } from './keys.tsx';

/** What the Service may reach should not disappear below those of a busy key. */
const atOnce = 10;
const ask = (id: string, cursor: string | undefined) =>
  take(
    api['service-keys'][':id'].instances.$get({
      param: { id },
      query: { live: 'true', limit: atOnce, cursor },
    }),
  );
type Instance = Awaited<ReturnType<typeof ask>>['items'][number];

export function Instances({ keys }: { keys: Key[] }) {
  const used = keys.filter(({ live_instances }) => live_instances > 0);
  return (
    <Section title="Clients now" about="What runs on these keys and is connected at this moment.">
      {used.length === 0 && (
        <Paper>
          <Text size="sm" c="dimmed">
            No Client runs on any of these keys. Start one with a key, and it appears here by itself.
          </Text>
        </Paper>
      )}
      {used.map((key) => (
        <OfKey key={key.id} of={key} />
      ))}
    </Section>
  );
}

function OfKey({ of: { id, name } }: { of: Key }) {
  const pages = usePages(['services', 'instances', id], (cursor) => ask(id, cursor), { refreshMs: 5_000 });
  const mayWrite = useCan()('services:write');
  return (
    <Stack gap={6}>
      <Text size="sm" fw={600}>
        On the key {name}
      </Text>
      <DataTable
        label={`Clients on the key ${name}`}
        columns={mayWrite ? [...columns, cut] : columns}
        pages={pages}
        rowId={({ id }) => id}
        empty={
          <Text size="sm" c="dimmed">
            They have just gone.
          </Text>
        }
      />
    </Stack>
  );
}

const columns: Columns<Instance> = [
  {
    header: 'Host',
    id: 'host',
    cell: ({ row: { original } }) => (
      <>
        <Text size="sm" fw={600}>
          {original.hostname ?? 'not said'}
        </Text>
        <Text size="xs" c="dimmed" ff="monospace" visibleFrom="sm" style={{ whiteSpace: 'nowrap' }}>
          {original.id}
        </Text>
      </>
    ),
  },
  { header: 'Address', id: 'address', cell: ({ row: { original } }) => original.public_address ?? '–' },
  { header: 'Version', id: 'version', cell: ({ row: { original } }) => original.version ?? '–' },
  {
    header: 'Since',
    id: 'since',
    cell: ({ row: { original } }) => <Time at={original.connected_at ?? original.started_at} />,
  },
];

const cut: Columns<Instance>[number] = {
  header: 'Actions',
  id: 'actions',
  cell: ({ row: { original } }) => <Cut of={original} />,
};

function Cut({ of: { id, hostname } }: { of: Instance }) {
  const name = hostname ?? id;
  const revoke = useChange(() => take(api.instances[':id'].revoke.$post({ param: { id } })), {
    done: ({ receipt }) => `${name} was cut, with ${receipt.flows_cut} of its flows`,
  });
  return (
    <Confirm
      title={`Cut ${name}`}
      verb="Cut"
      run={revoke.mutateAsync}
      opener={(open) => (
        <Button
          size="compact-sm"
          variant="default"
          c="var(--mantine-color-error)"
          onClick={open}
          aria-label={`Cut ${name}`}
        >
          Cut
        </Button>
      )}
    >
      This Client and all its flows end at once; others on the same key go on. Whoever has the key can start
      another Client: to keep a machine out, revoke the key.
    </Confirm>
  );
}
