/** Sessions in the console: which browser, from where, until when; each can be logged out. */
import { Badge, Button, Group, Stack, Text, Title } from '@mantine/core';
import { MonitorSmartphone } from 'lucide-react';
import { useChange } from '../../api/change.ts';
import { api, take } from '../../api/client.ts';
import { usePages } from '../../api/pages.ts';
import { useMayEnd } from '../../api/session.ts';
import { Confirm } from '../../parts/confirm.tsx';
import { type Columns, DataTable } from '../../parts/data-table.tsx';
import { Empty } from '../../parts/empty.tsx';
import { Time } from '../../parts/time.tsx';
import { stateColor } from '../api-tokens/state-color.ts';
import { browserName } from './browser-name.ts';

const ask = (user: string | undefined, cursor: string | undefined) =>
  take(api['console-sessions'].$get({ query: { user_id: user, cursor } }));
type Session = Awaited<ReturnType<typeof ask>>['items'][number];

/** @param user absent: everybody's. */
export function BrowserSessions({ user, title }: { user?: string; title: string }) {
  const pages = usePages(['console-sessions', user], (cursor) => ask(user, cursor));
  return (
    <Stack component="section" gap="sm" aria-label={title}>
      <Title order={2}>{title}</Title>
      <DataTable
        label={title}
        columns={user === undefined ? [whose, ...columns] : columns}
        pages={pages}
        rowId={({ id }) => id}
        minWidth={user === undefined ? 900 : 720}
        empty={
          <Empty icon={MonitorSmartphone} title="No session">
            A session begins with a login and ends an hour after its last use.
          </Empty>
        }
      />
    </Stack>
  );
}

const whose: Columns<Session>[number] = {
  header: 'Who',
  id: 'who',
  cell: ({ row: { original } }) => <Text size="sm">{original.user_name}</Text>,
};

const columns: Columns<Session> = [
  {
    header: 'Browser',
    id: 'browser',
    cell: ({ row: { original } }) => (
      <Group gap="xs" wrap="nowrap" title={original.user_agent ?? undefined}>
        <Text size="sm" fw={600} style={{ whiteSpace: 'nowrap' }}>
          {browserName(original.user_agent)}
        </Text>
        {original.current && (
          <Badge color="gate" style={{ flexShrink: 0 }}>
            this one
          </Badge>
        )}
      </Group>
    ),
  },
  { header: 'From', id: 'from', cell: ({ row: { original } }) => original.address ?? 'unknown' },
  {
    header: 'State',
    id: 'state',
    cell: ({ row: { original } }) => <Badge color={stateColor(original.state)}>{original.state}</Badge>,
  },
  { header: 'Last use', id: 'used', cell: ({ row: { original } }) => <Time at={original.last_seen_at} /> },
  {
    header: 'Ends, if unused',
    id: 'ends',
    cell: ({ row: { original } }) => <Time at={original.expires_at} />,
  },
  { header: '', id: 'actions', cell: ({ row: { original } }) => <LogOut session={original} /> },
];

function LogOut({ session }: { session: Session }) {
  const { id, state, current, user_agent } = session;
  const mayEnd = useMayEnd()(session);
  const revoke = useChange(() => take(api['console-sessions'][':id'].revoke.$post({ param: { id } })), {
    done: 'Logged out there',
  });
  if (!mayEnd || state !== 'active') return null;
  return (
    <Confirm
      title="Log this browser out?"
      verb="Log out"
      run={() => revoke.mutateAsync()}
      opener={(open) => (
        <Button
          variant="default"
          c="var(--mantine-color-error)"
          size="compact-sm"
          onClick={open}
          aria-label={`Log out ${browserName(user_agent)}`}
        >
          Log out
        </Button>
      )}
    >
      {current
        ? 'It is the one that you are in: you have to log in again.'
        : 'Whoever uses it has to log in again.'}
    </Confirm>
  );
}
