/**
 * A live map: the Clients that are connected at the left, Remote Networks with their Connectors at the right, and
 * a line for whoever reached whom in the last hour, solid where it was direct, dashed by relay.
 */
import { Anchor, Box, Group, Paper, Stack, Text } from '@mantine/core';
import { useElementSize, useMergedRef } from '@mantine/hooks';
import { Link } from '@tanstack/react-router';
import { Network } from 'lucide-react';
import { useLayoutEffect, useRef, useState } from 'react';
import { ConnectorBadge, sentence } from '../../parts/connector-state.tsx';
import { Empty } from '../../parts/empty.tsx';
import classes from './map.module.css';
import type { Overview } from './overview.tsx';

type Networks = NonNullable<Overview['networks']>;
type Clients = NonNullable<Overview['clients']>;
type Links = NonNullable<Overview['traffic']>['links'];
type Connector = Networks['items'][number]['connectors'][number];

const mostClients = 12;

export function NetworkMap({
  networks,
  clients,
  links,
}: {
  networks: Networks;
  clients: Clients | null;
  links: Links;
}) {
  if (networks.items.length === 0)
    return (
      <Paper>
        <Empty
          icon={Network}
          title="No Remote Network yet"
          action={
            <Anchor component={Link} to="/networks" size="sm">
              Go to Remote Networks
            </Anchor>
          }
        >
          A Remote Network is a place with private Resources. Create one, then start a Connector in it.
        </Empty>
      </Paper>
    );
  const shown = (clients?.items ?? []).slice(0, mostClients);
  const more = (clients?.total ?? 0) - shown.length;
  return (
    <Paper>
      <Canvas links={links}>
        <Stack gap={8} className={classes['side']!} aria-label="Clients connected now" component="section">
          <Text size="xs" c="dimmed" fw={600}>
            Clients
          </Text>
          {shown.length === 0 && (
            <Text size="sm" c="dimmed">
              No Client is connected.
            </Text>
          )}
          {shown.map(({ instance, principal, principal_name: name, hostname, version }) => (
            <Box key={instance} className={classes['node']!} data-node={instance}>
              <Anchor
                component={Link}
                {...({
                  to: principal.startsWith('usr_') ? '/people/$id' : '/services/$id',
                  params: { id: principal },
                } as object)}
                size="sm"
                fw={600}
              >
                {name ?? principal}
              </Anchor>
              <Text size="xs" c="dimmed" truncate>
                {[hostname, version].filter(Boolean).join(' · ')}
              </Text>
            </Box>
          ))}
          {more > 0 && (
            <Text size="xs" c="dimmed">
              and {more.toLocaleString('en')} more
            </Text>
          )}
        </Stack>
        <Stack gap={12} className={classes['side']!} aria-label="Remote Networks" component="section">
          <Text size="xs" c="dimmed" fw={600}>
            Remote Networks
          </Text>
          {networks.items.map((network) => (
            <Box key={network.id} className={classes['network']!}>
              <Group justify="space-between" gap="xs" wrap="nowrap">
                <Anchor
                  component={Link}
                  {...({ to: '/networks/$id', params: { id: network.id } } as object)}
                  size="sm"
                  fw={600}
                >
                  {network.name}
                </Anchor>
                <Text size="xs" c="dimmed" style={{ whiteSpace: 'nowrap' }}>
                  {network.resources.toLocaleString('en')}{' '}
                  {network.resources === 1 ? 'Resource' : 'Resources'}
                </Text>
              </Group>
              {network.connectors.length === 0 && (
                <Anchor
                  component={Link}
                  {...({ to: '/networks/$id/add-connector', params: { id: network.id } } as object)}
                  size="xs"
                >
                  Add a Connector
                </Anchor>
              )}
              {network.connectors.map((connector) => (
                <ConnectorLine key={connector.id} connector={connector} links={links} />
              ))}
            </Box>
          ))}
        </Stack>
      </Canvas>
      <Text size="xs" c="dimmed" mt="md">
        Lines are flows of the last hour: whole where they were direct, dashed by relay.
      </Text>
    </Paper>
  );
}

function ConnectorLine({ connector, links }: { connector: Connector; links: Links }) {
  const { id, name, state, state_reason: why, version, relays } = connector;
  const flows = (path: string) =>
    links.reduce((sum, link) => sum + (link.connector === id && link.path === path ? link.flows : 0), 0);
  const connected = relays.filter(({ state }) => state === 'connected').length;
  return (
    <Box data-node={id} className={classes['connector']!}>
      <Group gap={6} wrap="nowrap" justify="space-between">
        <Anchor
          component={Link}
          {...({ to: '/connectors/$id', params: { id } } as object)}
          size="sm"
          truncate
        >
          {name}
        </Anchor>
        <ConnectorBadge state={state} />
      </Group>
      <Text size="xs" c="dimmed">
        {state === 'alive'
          ? [
              version,
              `${connected} of ${relays.length} relays`,
              `${flows('direct')} direct, ${flows('relay')} by relay`,
            ].join(' · ')
          : sentence(why)}
      </Text>
    </Box>
  );
}

interface Line {
  key: string;
  from: [number, number];
  to: [number, number];
  direct: boolean;
}

/** Draws the lines behind its children, between the elements that `data-node` names; on a phone none. */
function Canvas({ links, children }: { links: Links; children: React.ReactNode }) {
  const { ref: sized, width, height } = useElementSize();
  const ref = useRef<HTMLDivElement>(null);
  const both = useMergedRef(sized, ref);
  const [lines, setLines] = useState<Line[]>([]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is drawn depends on where everything lies now
  useLayoutEffect(() => {
    const frame = ref.current?.getBoundingClientRect();
    if (!frame) return;
    const nodes = new Map(
      [...ref.current!.querySelectorAll<HTMLElement>('[data-node]')].map((node) => [
        node.dataset['node'],
        node,
      ]),
    );
    const found = links.flatMap(({ instance, connector, path }) => {
      const [from, to] = [nodes.get(instance ?? ''), nodes.get(connector)];
      if (!from || !to) return [];
      const [a, b] = [from.getBoundingClientRect(), to.getBoundingClientRect()];
      if (b.left <= a.right) return [];
      // Beside each other where one Client uses both.
      const aside = path === 'direct' ? -4 : 4;
      const point = (x: number, y: number): [number, number] => [x - frame.left, y - frame.top + aside];
      return [
        {
          key: `${instance} ${connector} ${path}`,
          from: point(a.right, a.top + a.height / 2),
          to: point(b.left, b.top + b.height / 2),
          direct: path === 'direct',
        },
      ];
    });
    setLines(found);
  }, [links, width, height]);
  return (
    <div ref={both} className={classes['canvas']}>
      <svg className={classes['lines']} aria-hidden="true">
        {lines.map(({ key, from, to, direct }) => {
          const half = (to[0] - from[0]) / 2;
          return (
            <path
              key={key}
              d={`M${from} C${from[0] + half},${from[1]} ${to[0] - half},${to[1]} ${to}`}
              className={classes[direct ? 'direct' : 'relay']}
            />
          );
        })}
      </svg>
      {children}
    </div>
  );
}
