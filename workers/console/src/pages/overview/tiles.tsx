/** The figures that somebody looks for first. */
import { Paper, SimpleGrid, Text } from '@mantine/core';
import type { Overview } from './overview.tsx';

export function Tiles({ of: { networks, clients, traffic, expiring_keys: keys } }: { of: Overview }) {
  // Revoked ones are as somebody wanted them.
  const connectors =
    networks?.items.flatMap((network) => network.connectors).filter(({ state }) => state !== 'revoked') ?? [];
  const alive = connectors.filter(({ state }) => state === 'alive').length;
  const opened = traffic?.minutes.reduce((sum, { established }) => sum + established, 0) ?? 0;
  const failed = traffic?.minutes.reduce((sum, { failed }) => sum + failed, 0) ?? 0;
  return (
    <SimpleGrid cols={{ base: 2, md: 4 }}>
      {networks && (
        <Tile
          name="Connectors alive"
          value={`${alive} of ${connectors.length}`}
          below={`in ${networks.total} Remote ${networks.total === 1 ? 'Network' : 'Networks'}`}
          bad={alive < connectors.length}
        />
      )}
      {clients && <Tile name="Clients connected" value={clients.total.toLocaleString('en')} below="now" />}
      {traffic && (
        <Tile
          name="Flows opened"
          value={opened.toLocaleString('en')}
          below={`${traffic.paths.direct.toLocaleString('en')} direct, ${traffic.paths.relay.toLocaleString('en')} by relay`}
        />
      )}
      {traffic && (
        <Tile
          name="Denied"
          value={traffic.denials.total.toLocaleString('en')}
          below={`${failed.toLocaleString('en')} failed`}
          bad={traffic.denials.total > 0}
        />
      )}
      {!traffic && keys && <Tile name="Keys expiring" value={String(keys.total)} below="within 30 days" />}
    </SimpleGrid>
  );
}

const Tile = ({
  name,
  value,
  below,
  bad = false,
}: {
  name: string;
  value: string;
  below: string;
  bad?: boolean;
}) => (
  <Paper>
    <Text size="xs" c="dimmed">
      {name}
    </Text>
    <Text fz={26} fw={650} lh={1.25} {...(bad && { c: 'var(--mantine-color-error)' })}>
      {value}
    </Text>
    <Text size="xs" c="dimmed">
      {below}
    </Text>
  </Paper>
);
