/** An event in words: what happened, why, and what to do about it; and links to what is involved. */
import { Anchor, Badge, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { errors, isErrorCode } from '#schema/errors.ts';
import type { FlowEvent } from './events.ts';

const kindColours = { established: 'blue', closed: 'teal', denied: 'red', failed: 'orange' } as const;

export const KindBadge = ({ kind }: { kind: FlowEvent['kind'] }) => (
  <Badge
    color={kind === 'denied' ? 'red.9' : kindColours[kind]}
    variant={kind === 'denied' ? 'filled' : 'light'}
  >
    {kind}
  </Badge>
);

/** Why it was denied or failed, and the remedy; null where all went well. */
export function reasonOf(code: string | null): { title: string; remedy: string } | null {
  if (code === null) return null;
  const known = isErrorCode(code) ? errors[code] : undefined;
  return { title: sayRemedy(known?.title ?? code), remedy: sayRemedy(known?.remedy ?? '') };
}

/** Commands in a text that is made for terminals too are quoted. */
export const sayRemedy = (text: string): string => text.replaceAll(/`([^`]+)`/g, '“$1”');

export const destinationOf = ({
  protocol,
  host,
  port,
}: Pick<FlowEvent, 'protocol' | 'host' | 'port'>): string =>
  `${host.includes(':') ? `[${host}]` : host}${port === null ? '' : `:${port}`}${protocol === 'tcp' ? '' : ` ${protocol}`}`;

const places: Record<string, string> = {
  svc: '/services/$id',
  usr: '/people/$id',
  res: '/resources/$id',
  con: '/connectors/$id',
  net: '/networks/$id',
  grp: '/groups/$id',
  pol: '/policies/$id',
};

/** A thing by its name, or its id where it has none any more, leading to its page. */
export function Thing({ id, names }: { id: string | null; names: Record<string, string> }) {
  if (id === null)
    return (
      <Text span inherit c="dimmed">
        –
      </Text>
    );
  const to = places[id.slice(0, 3)];
  const name = names[id];
  if (to === undefined || name === undefined)
    return (
      <Text span inherit {...(name === undefined && { ff: 'monospace', size: 'xs' })} title={id}>
        {name ?? id}
      </Text>
    );
  return (
    <Anchor component={Link} {...({ to, params: { id } } as object)} inherit>
      {name}
    </Anchor>
  );
}
