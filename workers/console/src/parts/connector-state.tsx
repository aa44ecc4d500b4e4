/** How a Connector stands: as a badge, and in words with what to do about it. */
import { Alert, Badge, Text } from '@mantine/core';
import { CircleCheck, CircleDashed, type LucideIcon, TriangleAlert } from 'lucide-react';
import { type ErrorCode, errors } from '#schema/errors.ts';
import type { api } from '../api/client.ts';

type Answer = Awaited<ReturnType<Awaited<ReturnType<(typeof api.connectors)[':id']['$get']>>['json']>>;
export type ConnectorState = Extract<Answer, { state: string }>['state'];

interface Words {
  title: string;
  color: string;
  icon: LucideIcon;
  /** What to do now; none where all is well. */
  remedy?: string;
}

export const connectorWords: Record<ConnectorState, Words> = {
  alive: { title: 'alive', color: 'teal', icon: CircleCheck },
  no_heartbeat: {
    title: 'no heartbeat',
    color: 'red',
    icon: TriangleAlert,
    remedy:
      'Check that its process runs and that its host reaches this Controller by HTTPS. “sallyportd connector health” on its host says what is wrong.',
  },
  heartbeat_too_old: {
    title: 'heartbeat too old',
    color: 'red',
    icon: TriangleAlert,
    remedy:
      'Its host is paused, overloaded or cut off from the network. Check the host, then start it again.',
  },
  no_relay: {
    title: 'no relay',
    color: 'red',
    icon: TriangleAlert,
    remedy:
      'It talks to this Controller, but Clients cannot meet it. Let its host connect out to the relays, by TCP.',
  },
  outdated: {
    title: 'outdated',
    color: 'yellow',
    icon: TriangleAlert,
    remedy: 'Update it to the version of this Controller; it keeps its key and its name.',
  },
  revoked: {
    title: 'revoked',
    color: 'gray',
    icon: CircleDashed,
    remedy: 'Delete it, and add a new Connector where one is still needed.',
  },
  not_enrolled: {
    title: 'not enrolled',
    color: 'blue',
    icon: CircleDashed,
    remedy:
      'Start it with its enrolment token. Is the token lost, or older than a day? Make a new one, and start it with that.',
  },
};

export function ConnectorBadge({ state }: { state: ConnectorState }) {
  const { title, color, icon: Icon } = connectorWords[state];
  return (
    <Badge color={color} leftSection={<Icon size={12} aria-hidden />}>
      {title}
    </Badge>
  );
}

/** Nothing for one that is alive. */
export function ConnectorTrouble({ state, reason }: { state: ConnectorState; reason: string }) {
  const { color, icon: Icon, remedy } = connectorWords[state];
  if (remedy === undefined) return null;
  return (
    <Alert color={color} icon={<Icon size={18} aria-hidden />} title={sentence(reason)}>
      <Text size="sm">{remedy}</Text>
    </Alert>
  );
}

const exact = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' });

/** A reason as the API tells it, with its moments and codes as people say them. */
export const sentence = (text: string): string =>
  (text.charAt(0).toUpperCase() + text.slice(1))
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, (at) => exact.format(Date.parse(at)))
    .replace(/\(([a-z_]+)\)/g, (_, code) => `(${trouble(code)})`);

/** What keeps a link to one relay from coming up. */
export const trouble = (code: string): string =>
  code === 'relay_unreachable'
    ? 'cannot be reached'
    : code in errors
      ? errors[code as ErrorCode].title.replace(/\.$/, '').toLowerCase()
      : code;

/** Whether what it last told of itself, such as its relays, holds now. */
export const isHere = (state: ConnectorState): boolean => state === 'alive' || state === 'no_relay';
