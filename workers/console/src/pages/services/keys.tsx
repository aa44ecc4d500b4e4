/** The keys of a Service Account: their state, the actions that it allows and no others, and who runs on each. */
import { Badge, Button, Group, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { KeyRound, Plus } from 'lucide-react';
import { api, take } from '../../api/client.ts';
import { usePages } from '../../api/pages.ts';
import { useCan } from '../../api/session.ts';
import { useNow } from '../../browser/now.ts';
import { type Columns, DataTable } from '../../parts/data-table.tsx';
import { Empty } from '../../parts/empty.tsx';
import { Section } from '../../parts/section.tsx';
import { Time } from '../../parts/time.tsx';
import { CreateKey } from './create-key.tsx';
import { Instances } from './instances.tsx';
import { KeyActions } from './key-actions.tsx';

const ask = (id: string, cursor: string | undefined) =>
  take(api['service-accounts'][':id'].keys.$get({ param: { id }, query: { cursor } }));
export type Key = Awaited<ReturnType<typeof ask>>['items'][number];

export function Keys({ service: { id, name } }: { service: { id: string; name: string } }) {
  const pages = usePages(['services', id, 'keys'], (cursor) => ask(id, cursor), { refreshMs: 5_000 });
  const [making, { open, close }] = useDisclosure(false);
  const mayWrite = useCan()('services:write');
  const create = mayWrite && (
    <Button leftSection={<Plus size={16} />} onClick={open}>
      Generate a key
    </Button>
  );
  const hasKeys = pages.rows !== undefined && pages.rows.length > 0;
  return (
    <>
      <Section
        title="Service Keys"
        about="Every key opens all Resources of this Service. A key is good while it is active; revoked or expired ones never come back."
        actions={hasKeys && create}
      >
        <DataTable
          label="Service Keys"
          columns={mayWrite ? [...columns, actions] : columns}
          pages={pages}
          rowId={({ id }) => id}
          minWidth={mayWrite ? 680 : 560}
          empty={
            <Empty icon={KeyRound} title="No key yet" action={create}>
              Generate one: a Client logs in with it, on a server, in a container or in a pipeline.
            </Empty>
          }
        />
      </Section>
      {making && <CreateKey service={{ id, name }} close={close} />}
      {hasKeys && <Instances keys={pages.rows!} />}
    </>
  );
}

const columns: Columns<Key> = [
  {
    header: 'Name',
    id: 'name',
    cell: ({ row: { original } }) => (
      <>
        <Text size="sm" fw={600}>
          {original.name}
        </Text>
        <Text size="xs" c="dimmed" ff="monospace" visibleFrom="sm" style={{ whiteSpace: 'nowrap' }}>
          {original.id}
        </Text>
      </>
    ),
  },
  { header: 'State', id: 'state', cell: ({ row: { original } }) => <State of={original} /> },
  { header: 'Expires', id: 'expires', cell: ({ row: { original } }) => <Expires of={original} /> },
  { header: 'Last used', id: 'used', cell: ({ row: { original } }) => <Time at={original.last_used_at} /> },
  { header: 'Created', id: 'created', cell: ({ row: { original } }) => <Time at={original.created_at} /> },
];

const actions: Columns<Key>[number] = {
  header: 'Actions',
  id: 'actions',
  cell: ({ row: { original } }) => <KeyActions of={original} />,
};

const stateColours = { active: 'teal', revoked: 'red', expired: 'gray' } as const;
const stateNames = { active: 'Active', revoked: 'Revoked', expired: 'Expired' } as const;

function State({ of: { state, live_instances } }: { of: Key }) {
  return (
    <Group gap={6} wrap="nowrap">
      <Badge variant="dot" color={stateColours[state]}>
        {stateNames[state]}
      </Badge>
      {live_instances > 0 && (
        <Text size="xs" c="dimmed" style={{ whiteSpace: 'nowrap' }}>
          {live_instances} live
        </Text>
      )}
    </Group>
  );
}

const soonMs = 14 * 24 * 3_600_000;

function Expires({ of: { state, expires_at, revoked_at } }: { of: Key }) {
  const now = useNow();
  if (state === 'revoked') return <RevokedAt at={revoked_at} />;
  const soon = state === 'active' && expires_at !== null && Date.parse(expires_at) - now < soonMs;
  return (
    <Group gap={6} wrap="nowrap">
      <Time at={expires_at} never="unlimited" />
      {soon && (
        <Badge variant="dot" color="orange">
          soon
        </Badge>
      )}
    </Group>
  );
}

const RevokedAt = ({ at }: { at: string | null }) => (
  <Text span inherit c="dimmed" style={{ whiteSpace: 'nowrap' }}>
    revoked <Time at={at} />
  </Text>
);
