/** One audit entry: each field that changed, with its value before and after. */
import { Drawer, Stack, Table, Text } from '@mantine/core';
import { Copied } from '../../parts/code-block.tsx';
import { Facts } from '../../parts/facts.tsx';
import { Time } from '../../parts/time.tsx';
import classes from './details.module.css';
import { Actor, type Entry } from './list.tsx';

export function ChangeDetails({ entry, onClose }: { entry: Entry | undefined; onClose: () => void }) {
  return (
    <Drawer
      opened={entry !== undefined}
      onClose={onClose}
      position="right"
      size="xl"
      title={<Text fw={600}>{entry?.action.replaceAll('_', ' ').replace('.', ': ')}</Text>}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      {entry && (
        <Stack>
          <Facts
            of={[
              ['Who', <Actor key="who" entry={entry} />],
              ['When', <Time key="when" at={entry.at} />],
              ['From address', entry.address],
              ['To what', <Copied key="what" text={entry.target.id} label="ID" />],
              ['Request', <Copied key="request" text={entry.request_id} label="ID of the request" />],
            ]}
          />
          <Difference before={fieldsOf(entry.before)} after={fieldsOf(entry.after)} />
        </Stack>
      )}
    </Drawer>
  );
}

function Difference({ before, after }: { before: Map<string, string>; after: Map<string, string> }) {
  const names = [...new Set([...before.keys(), ...after.keys()])];
  const changed = names.filter((name) => before.get(name) !== after.get(name));
  if (changed.length === 0)
    return (
      <Text size="sm" c="dimmed">
        Nothing else was noted of this change.
      </Text>
    );
  return (
    <Table layout="fixed" verticalSpacing="xs">
      <Table.Thead>
        <Table.Tr>
          <Table.Th scope="col" w="24%">
            Field
          </Table.Th>
          <Table.Th scope="col">Before</Table.Th>
          <Table.Th scope="col">After</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {changed.map((name) => (
          <Table.Tr key={name}>
            <Table.Th scope="row" style={{ overflowWrap: 'anywhere' }}>
              {name.replaceAll('_', ' ')}
            </Table.Th>
            <Table.Td {...(before.has(name) && { className: classes['gone']! })}>
              {before.get(name) ?? '–'}
            </Table.Td>
            <Table.Td {...(after.has(name) && { className: classes['come']! })}>
              {after.get(name) ?? '–'}
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

function fieldsOf(state: unknown): Map<string, string> {
  if (state === null || state === undefined) return new Map();
  if (typeof state !== 'object') return new Map([['value', String(state)]]);
  return new Map(Object.entries(state).map(([name, value]) => [name, said(value)]));
}

const said = (value: unknown): string =>
  typeof value === 'string' ? value : JSON.stringify(value, null, 1).replaceAll('\n', ' ');
