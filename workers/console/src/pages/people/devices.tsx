/** Where a person is logged in with a Client: each can be ended, which cuts what runs there. */
import { Badge, Button, Stack, Text, Title } from '@mantine/core';
import { Laptop } from 'lucide-react';
import { useChange } from '../../api/change.ts';
import { api, take } from '../../api/client.ts';
import { usePages } from '../../api/pages.ts';
import { tenantBase } from '../../api/place.ts';
import { useMayEnd } from '../../api/session.ts';
import { Confirm } from '../../parts/confirm.tsx';
import { type Columns, DataTable } from '../../parts/data-table.tsx';
import { Empty } from '../../parts/empty.tsx';
import { Time } from '../../parts/time.tsx';
import { stateColor } from '../api-tokens/state-color.ts';

const ask = (user: string, cursor: string | undefined) =>
  take(api['user-sessions'].$get({ query: { user_id: user, cursor } }));
type Session = Awaited<ReturnType<typeof ask>>['items'][number];

export function DeviceSessions({ user }: { user: string }) {
  const pages = usePages(['user-sessions', user], (cursor) => ask(user, cursor));
  return (
    <Stack component="section" gap="sm" aria-label="On devices">
      <Title order={2}>On devices</Title>
      <DataTable
        label="Logins on devices"
        columns={columns}
        pages={pages}
        rowId={({ id }) => id}
        minWidth={760}
        empty={
          <Empty icon={Laptop} title="Not logged in on any device">
            A login there begins with <code>sallyportd login --network {location.origin + tenantBase}</code>.
          </Empty>
        }
      />
    </Stack>
  );
}

/** A provider that was asked when, and did not say: the epoch stands for that. */
const knownTime = (at: string): string | null => (Date.parse(at) === 0 ? null : at);

const columns: Columns<Session> = [
  {
    header: 'Device',
    id: 'device',
    cell: ({ row: { original } }) => (
      <>
        <Text fw={600} size="sm">
          {original.hostname ?? 'unnamed'}
        </Text>
        <Text size="xs" c="dimmed">
          {[original.platform, original.version].filter(Boolean).join(' · ') || 'unknown system'}
        </Text>
      </>
    ),
  },
  {
    header: 'State',
    id: 'state',
    cell: ({ row: { original } }) => <Badge color={stateColor(original.state)}>{original.state}</Badge>,
  },
  {
    header: 'Proved',
    id: 'proof',
    cell: ({ row: { original } }) => (
      <>
        <Time at={knownTime(original.authenticated_at)} never="when is not known" />
        <Text size="xs" c="dimmed">
          {[original.acr, ...original.amr].filter(Boolean).join(', ')}
        </Text>
      </>
    ),
  },
  { header: 'Running', id: 'live', cell: ({ row: { original } }) => original.live_instances },
  { header: 'Last use', id: 'used', cell: ({ row: { original } }) => <Time at={original.last_used_at} /> },
  { header: 'Ends', id: 'ends', cell: ({ row: { original } }) => <Time at={original.expires_at} /> },
  { header: '', id: 'actions', cell: ({ row: { original } }) => <End session={original} /> },
];

function End({ session }: { session: Session }) {
  const { id, state, hostname } = session;
  const mayEnd = useMayEnd()(session);
  const revoke = useChange(() => take(api['user-sessions'][':id'].revoke.$post({ param: { id } })), {
    done: ({ receipt }) =>
      receipt.complete
        ? 'Ended; every Connector has confirmed'
        : 'Ended; some Connectors have not confirmed yet',
  });
  if (!mayEnd || state !== 'active') return null;
  return (
    <Confirm
      title={`End the login on ${hostname ?? 'this device'}?`}
      verb="End it"
      run={() => revoke.mutateAsync()}
      opener={(open) => (
        <Button
          variant="default"
          c="var(--mantine-color-error)"
          size="compact-sm"
          onClick={open}
          aria-label={`End the login on ${hostname ?? 'this device'}`}
        >
          End
        </Button>
      )}
    >
      What runs there is cut at once; the person has to log in again.
    </Confirm>
  );
}
