/**
 * Recent Activity, of everything or of one thing: histogram, filters, table, details, live. On a page of its own
 * the filter is in the URL; within the page of a Resource, a principal or a Connector it is kept here.
 */
import { Stack, Text } from '@mantine/core';
import { useState } from 'react';
import type { ActivityFilter } from '../../api/activity-search.ts';
import { EventDetails } from './details.tsx';
import { type FlowEvent, spans, useEvents, useHistogram } from './events.ts';
import { Filters } from './filters.tsx';
import { Histogram } from './histogram.tsx';
import { EventTable } from './table.tsx';

/** @param of what the page around it is about: `{ resource: id }`. */
export function ActivityOf({ of }: { of: ActivityFilter }) {
  const [own, setOwn] = useState<ActivityFilter>({ since: '7d' });
  return <Activity filter={{ ...own, ...of }} fixed={of} change={(part) => setOwn({ ...own, ...part })} />;
}

export function Activity({
  filter,
  change,
  fixed = {},
}: {
  filter: ActivityFilter;
  change: (part: ActivityFilter) => void;
  fixed?: ActivityFilter;
}) {
  const [opened, setOpened] = useState<FlowEvent>();
  // What has ended brings nothing new.
  const live = filter.live !== 'off' && filter.until === undefined;
  const pages = useEvents(filter, live);
  const histogram = useHistogram(filter, live);
  const names = Object.assign({}, ...(pages.rows ?? []).map((row) => row.names)) as Record<string, string>;
  const { since: _, live: __, ...narrowing } = filter;
  const filtered = Object.keys(narrowing).some(
    (name) => !Object.hasOwn(fixed, name) && narrowing[name as 'q'] !== undefined,
  );
  return (
    <Stack gap="md">
      <Histogram
        label="Flows over time"
        buckets={histogram.data?.buckets}
        bucketMs={histogram.data?.bucket_ms ?? spans['1h']}
        onPick={(since, until) => change({ since, until })}
      />
      <Filters filter={filter} change={change} live={live} names={names} fixed={fixed} />
      {pages.lost && (
        <Text size="sm" c="dimmed" role="status">
          The live view lost the Controller and tries again by itself.
        </Text>
      )}
      <EventTable pages={pages} filtered={filtered} onOpen={setOpened} />
      <EventDetails event={opened} onClose={() => setOpened(undefined)} />
    </Stack>
  );
}
