/** Events as a table. A denied or failed one says why in its row; each leads to all that is known of it. */
import { Box, Stack, Text, UnstyledButton, VisuallyHidden } from '@mantine/core';
import { ActivityIcon } from 'lucide-react';
import type { Pages } from '../../api/pages.ts';
import { sayBytes, sayDuration } from '../bytes.ts';
import { type Columns, DataTable } from '../data-table.tsx';
import { Empty } from '../empty.tsx';
import { Time } from '../time.tsx';
import type { FlowEvent } from './events.ts';
import { destinationOf, KindBadge, reasonOf, Thing } from './words.tsx';

export function EventTable({
  pages,
  filtered,
  onOpen,
}: {
  pages: Pages<FlowEvent>;
  /** Whether something narrows what is shown. */
  filtered: boolean;
  onOpen: (event: FlowEvent) => void;
}) {
  return (
    <DataTable
      label="Events of flows"
      columns={columnsFor(onOpen)}
      pages={pages}
      rowId={({ id }) => id}
      minWidth={960}
      empty={
        filtered ? (
          <Empty icon={ActivityIcon} title="Nothing like that happened">
            Take a filter away, or look further back.
          </Empty>
        ) : (
          <Empty icon={ActivityIcon} title="Nothing has happened yet">
            As soon as a Client opens a connection to a Resource, or is refused one, it shows up here by
            itself.
          </Empty>
        )
      }
    />
  );
}

const columnsFor = (onOpen: (event: FlowEvent) => void): Columns<FlowEvent> => [
  {
    header: 'When',
    id: 'at',
    cell: ({ row: { original } }) => (
      <UnstyledButton onClick={() => onOpen(original)}>
        <Text size="sm" td="underline" style={{ textUnderlineOffset: 3 }} component="span">
          <Time at={original.at} />
        </Text>
        <VisuallyHidden>
          , Details of the {original.kind} flow to {original.host}
        </VisuallyHidden>
      </UnstyledButton>
    ),
  },
  { header: 'What', id: 'what', cell: ({ row: { original } }) => <What event={original} /> },
  {
    header: 'Who',
    id: 'who',
    cell: ({ row: { original: event } }) => (
      <Lines
        of={[
          <Thing key="principal" id={event.principal} names={event.names} />,
          event.key && <>key {event.names[event.key] ?? short(event.key)}</>,
          event.instance && (
            <>
              {event.names[event.instance] ?? short(event.instance)}
              {event.client_address && ` · ${event.client_address}`}
            </>
          ),
        ]}
      />
    ),
  },
  {
    header: 'Destination',
    id: 'destination',
    cell: ({ row: { original: event } }) => (
      <Lines
        of={[
          <Text key="to" span inherit ff="monospace" style={{ whiteSpace: 'nowrap' }}>
            {destinationOf(event)}
          </Text>,
          event.resource && <Thing key="resource" id={event.resource} names={event.names} />,
          event.rule && event.rule !== event.host && `by ${event.rule}`,
        ]}
      />
    ),
  },
  {
    header: 'Through',
    id: 'through',
    cell: ({ row: { original: event } }) => (
      <Lines
        of={[
          event.connector ? (
            <Thing key="connector" id={event.connector} names={event.names} />
          ) : (
            <Text key="none" span inherit c="dimmed">
              never left the Client
            </Text>
          ),
          event.path !== 'none' && event.path,
        ]}
      />
    ),
  },
  {
    header: 'Up / down',
    id: 'bytes',
    cell: ({ row: { original: event } }) =>
      event.kind === 'closed' ? (
        <Lines
          of={[
            `${sayBytes(event.bytes_up)} / ${sayBytes(event.bytes_down)}`,
            `in ${sayDuration(event.duration_ms)}`,
          ]}
        />
      ) : null,
  },
];

function What({ event }: { event: FlowEvent }) {
  const reason = reasonOf(event.code);
  return (
    <Stack gap={2} maw={300} miw={120}>
      <Box>
        <KindBadge kind={event.kind} />
        {event.suppressed > 0 && (
          <Text span size="xs" c="dimmed" ml={6}>
            and {event.suppressed.toLocaleString('en')} more like it
          </Text>
        )}
      </Box>
      {reason && (
        <>
          <Text size="xs" fw={600}>
            {reason.title}
          </Text>
          <Text size="xs" c="dimmed">
            {reason.remedy}
          </Text>
        </>
      )}
    </Stack>
  );
}

/** The first as it is, those below it small; what is not there is left out. */
const Lines = ({ of: [first, ...rest] }: { of: React.ReactNode[] }) => (
  <Stack gap={0} miw={120} style={{ whiteSpace: 'nowrap' }}>
    <Text size="sm" component="div">
      {first}
    </Text>
    {rest.filter(Boolean).map((line, at) => (
      // biome-ignore lint/suspicious/noArrayIndexKey: their order never changes
      <Text key={at} size="xs" c="dimmed" component="div">
        {line}
      </Text>
    ))}
  </Stack>
);

const short = (id: string): string => `…${id.slice(-6)}`;
