/** All that is known of one event, and what to do where it was denied or failed. */
import { Alert, Button, Drawer, Group, Stack, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useCan } from '../../api/session.ts';
import { sayBytes, sayDuration } from '../bytes.ts';
import { Facts } from '../facts.tsx';
import type { FlowEvent } from './events.ts';
import { destinationOf, KindBadge, reasonOf, Thing } from './words.tsx';

const exact = new Intl.DateTimeFormat('en-GB', { dateStyle: 'full', timeStyle: 'long' });
const code = (text: string | null) =>
  text && (
    <Text span inherit ff="monospace" size="xs">
      {text}
    </Text>
  );

export function EventDetails({ event, onClose }: { event: FlowEvent | undefined; onClose: () => void }) {
  return (
    <Drawer
      opened={event !== undefined}
      onClose={onClose}
      position="right"
      size="lg"
      title={
        event && (
          <Group gap="sm">
            <KindBadge kind={event.kind} />
            <Text fw={600}>{destinationOf(event)}</Text>
          </Group>
        )
      }
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      {event && <Content event={event} />}
    </Drawer>
  );
}

function Content({ event }: { event: FlowEvent }) {
  const { names } = event;
  const reason = reasonOf(event.code);
  const mayExplain = useCan()('grants:read') && event.principal !== null;
  const thing = (id: string | null) => <Thing id={id} names={names} />;
  const port = event.port === null ? '' : `:${event.port}`;
  return (
    <Stack>
      {reason && (
        <Alert color={event.kind === 'denied' ? 'red' : 'orange'} title={reason.title}>
          <Text size="sm">{reason.remedy}</Text>
          <Text size="xs" c="dimmed" ff="monospace" mt={4}>
            {event.code}
          </Text>
        </Alert>
      )}
      <Group gap="xs">
        {mayExplain && (
          <Button
            variant="light"
            size="xs"
            component={Link}
            {...({
              to: '/explain',
              search: { principal: event.principal, destination: `${event.host}${port}` },
            } as object)}
          >
            Explain
          </Button>
        )}
        <Button
          variant="default"
          size="xs"
          component={Link}
          {...({ to: '/activity', search: { connection: event.connection, since: '30d' } } as object)}
        >
          All of this connection
        </Button>
      </Group>
      <Facts
        of={[
          ['At', exact.format(new Date(event.at))],
          ['Who', thing(event.principal)],
          ['Credential', thing(event.key)],
          ['Running Client', thing(event.instance)],
          ['Program or device behind it', event.client_address],
          ['Resource', thing(event.resource)],
          ['Rule that decided', code(event.rule)],
          ['Address connected to', code(event.resolved)],
          ['Remote Network', thing(event.network)],
          ['Connector', event.connector ? thing(event.connector) : 'never left the Client'],
          ['Path', event.path === 'none' ? null : event.path],
          ['Relay', event.relay && thing(event.relay)],
          ['Bytes up / down', `${sayBytes(event.bytes_up)} / ${sayBytes(event.bytes_down)}`],
          ['Duration', sayDuration(event.duration_ms)],
          ['Age of the ACL', event.acl_age === null ? null : `${event.acl_age} s`],
          ['More like it', event.suppressed > 0 ? event.suppressed.toLocaleString('en') : null],
          ['Connection', code(event.connection)],
          ['Event', code(event.id)],
          ['Told by', thing(event.reporter)],
        ]}
      />
    </Stack>
  );
}
