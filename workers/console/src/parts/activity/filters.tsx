/** What narrows the events that are shown, and what can be done with them. */
import { Button, Group, Menu, Pill, SegmentedControl, Select, Stack, Switch } from '@mantine/core';
import { Download } from 'lucide-react';
import type { ActivityFilter } from '../../api/activity-search.ts';
import { Search } from '../search.tsx';
import { exportUrl, spans, usualSpan } from './events.ts';

const things = [
  'principal',
  'key',
  'instance',
  'network',
  'resource',
  'connector',
  'connection',
  'code',
] as const;
const spanWords: Record<keyof typeof spans, string> = {
  '1h': 'The last hour',
  '24h': 'The last 24 hours',
  '7d': 'The last 7 days',
  '30d': 'The last 30 days',
};
const exact = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short' });

export function Filters({
  filter,
  change,
  live,
  names,
  fixed,
}: {
  filter: ActivityFilter;
  /** Part of the filter; undefined takes one away. */
  change: (part: ActivityFilter) => void;
  live: boolean;
  names: Record<string, string>;
  /** What the page around it has chosen, which is not to be taken away. */
  fixed: ActivityFilter;
}) {
  const custom = filter.since !== undefined && !Object.hasOwn(spans, filter.since);
  const chosen = things.filter((name) => filter[name] !== undefined && fixed[name] === undefined);
  return (
    <Stack gap="xs">
      <Group gap="xs" align="center">
        <Search label="Search destinations and names" value={filter.q} onChange={(q) => change({ q })} />
        <Select
          aria-label="Time"
          w={170}
          allowDeselect={false}
          data={[
            ...Object.entries(spanWords).map(([value, label]) => ({ value, label })),
            ...(custom ? [{ value: 'custom', label: 'A chosen time' }] : []),
          ]}
          value={custom ? 'custom' : (filter.since ?? usualSpan)}
          onChange={(since) => since !== 'custom' && change({ since: since ?? undefined, until: undefined })}
        />
        <Select
          aria-label="Path"
          w={130}
          clearable
          placeholder="Any path"
          data={[
            { value: 'direct', label: 'Direct' },
            { value: 'relay', label: 'By relay' },
            { value: 'none', label: 'None' },
          ]}
          value={filter.path ?? null}
          onChange={(path) => change({ path: path ?? undefined })}
        />
        <Menu position="bottom-end">
          <Menu.Target>
            <Button variant="default" leftSection={<Download size={15} aria-hidden />}>
              Export
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item component="a" href={exportUrl(filter, 'csv')} download>
              As CSV
            </Menu.Item>
            <Menu.Item component="a" href={exportUrl(filter, 'json')} download>
              As JSON
            </Menu.Item>
          </Menu.Dropdown>
        </Menu>
        <Switch
          label="Live"
          checked={live}
          onChange={({ currentTarget }) => change({ live: currentTarget.checked ? undefined : 'off' })}
        />
      </Group>
      <SegmentedControl
        aria-label="Kind of event"
        size="xs"
        style={{ alignSelf: 'flex-start', maxWidth: '100%', overflowX: 'auto' }}
        data={[
          { value: '', label: 'All' },
          { value: 'established', label: 'Started' },
          { value: 'closed', label: 'Closed' },
          { value: 'denied', label: 'Denied' },
          { value: 'failed', label: 'Failed' },
        ]}
        value={filter.kind ?? ''}
        onChange={(kind) => change({ kind: kind || undefined })}
      />
      {(chosen.length > 0 || custom) && (
        <Pill.Group>
          {custom && (
            <Pill
              withRemoveButton
              onRemove={() => change({ since: undefined, until: undefined })}
              {...remove('time')}
            >
              {exact.format(new Date(filter.since!))}
              {filter.until && ` to ${exact.format(new Date(filter.until))}`}
            </Pill>
          )}
          {chosen.map((name) => (
            <Pill
              key={name}
              withRemoveButton
              onRemove={() => change({ [name]: undefined })}
              {...remove(name)}
            >
              {name} {names[filter[name]!] ?? filter[name]}
            </Pill>
          ))}
        </Pill.Group>
      )}
    </Stack>
  );
}

const remove = (what: string) => ({
  removeButtonProps: { 'aria-label': `Take the filter ${what} away`, 'aria-hidden': false, tabIndex: 0 },
});
