/** Has the Connectors try the destination, and shows by hop how far they came. */
import { Badge, Button, Group, Paper, ScrollArea, Stack, Table, Text, Title } from '@mantine/core';
import { Radar } from 'lucide-react';
import { useChange } from '../../api/change.ts';
import { api, take } from '../../api/client.ts';
import { useCan } from '../../api/session.ts';
import { sayRemedy } from '../../parts/activity/words.tsx';
import { sayDuration } from '../../parts/bytes.ts';
import { Refusal } from '../../parts/refusal.tsx';
import type { Question } from './destination.ts';
import type { Explanation } from './explain.tsx';

const run = (question: Question) => take(api.explain.probe.$post({ json: question }));
type Probed = Awaited<ReturnType<typeof run>>['probes'][number];

const hops: Record<Probed['hops'][number]['hop'], string> = {
  control_channel: 'Controller to Connector',
  acl: 'The Connector’s own ACL',
  resolve: 'Name looked up',
  connect: 'Connection to the destination',
};

export function Probe({ question, explanation }: { question: Question; explanation: Explanation }) {
  const may = useCan()('probes:write');
  const probe = useChange(run, { quiet: true });
  const connectorUp = explanation.steps.some(({ check, ok }) => check === 'connector' && ok);
  const portOpen = explanation.steps.some(({ check, ok }) => check === 'port' && ok);
  if (!may) return null;
  return (
    <Paper>
      <Group justify="space-between" gap="sm">
        <div>
          <Title order={2}>Probe</Title>
          <Text size="sm" c="dimmed" maw="36rem">
            {connectorUp && portOpen
              ? 'The Connectors try the destination now, as they would for a flow. It is noted in the audit log.'
              : 'Possible once the Resource is granted, allows the port, and has a Connector that is alive.'}
          </Text>
        </div>
        <Button
          leftSection={<Radar size={16} aria-hidden />}
          loading={probe.isPending}
          disabled={!connectorUp || !portOpen}
          onClick={() => probe.mutate(question)}
        >
          Probe now
        </Button>
      </Group>
      <Stack mt="sm" role="status">
        <Refusal error={probe.error} />
        {probe.data?.probes.map((one) => (
          <Result key={one.connector_id} of={one} />
        ))}
      </Stack>
    </Paper>
  );
}

const Result = ({ of: { connector_name: name, ok, hops: made } }: { of: Probed }) => (
  <Stack gap={4}>
    <Group gap="xs">
      <Text fw={600} size="sm">
        {name}
      </Text>
      <Badge color={ok ? 'teal' : 'red'}>{ok ? 'reached it' : 'did not reach it'}</Badge>
    </Group>
    <ScrollArea type="auto" viewportProps={{ tabIndex: 0, role: 'region', 'aria-label': `Hops of ${name}` }}>
      <Table verticalSpacing={6} miw={560}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th scope="col">Hop</Table.Th>
            <Table.Th scope="col">Result</Table.Th>
            <Table.Th scope="col">Took</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {made.map(({ hop, ok, ms, code, title, remedy, found }) => (
            <Table.Tr key={hop}>
              <Table.Td>{hops[hop]}</Table.Td>
              <Table.Td>
                <Badge color={ok ? 'teal' : 'red'} mr={6}>
                  {ok ? 'passed' : code}
                </Badge>
                <Text span size="sm" ff={ok ? 'monospace' : 'text'}>
                  {ok ? found.join(', ') : sayRemedy(`${title ?? ''} ${remedy ?? ''}`)}
                </Text>
              </Table.Td>
              <Table.Td style={{ whiteSpace: 'nowrap' }}>{sayDuration(ms)}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </ScrollArea>
  </Stack>
);
