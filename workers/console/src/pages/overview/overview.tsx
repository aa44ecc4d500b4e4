/** The network at a glance, which keeps itself up to date. */
import { Grid, SimpleGrid, Skeleton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { api, take } from '../../api/client.ts';
import { Histogram } from '../../parts/activity/histogram.tsx';
import { Page } from '../../parts/page.tsx';
import { Refusal } from '../../parts/refusal.tsx';
import { Denials } from './denials.tsx';
import { ExpiringKeys } from './keys.tsx';
import { NetworkMap } from './map.tsx';
import { Tiles } from './tiles.tsx';

const refreshMs = 5_000;
const ask = () => take(api.overview.$get());
export type Overview = Awaited<ReturnType<typeof ask>>;

export default function OverviewPage() {
  const { data, error } = useQuery({ queryKey: ['overview'], queryFn: ask, refetchInterval: refreshMs });
  return (
    <Page title="Overview" about="How your networks stand now, and what happened in the last hour.">
      <Refusal error={error} />
      {data ? <Content of={data} /> : !error && <Waiting />}
    </Page>
  );
}

function Content({ of }: { of: Overview }) {
  return (
    <>
      <Tiles of={of} />
      {of.networks && (
        <NetworkMap networks={of.networks} clients={of.clients} links={of.traffic?.links ?? []} />
      )}
      {of.traffic && (
        <Histogram
          label="Flows per minute, in the last hour"
          buckets={of.traffic.minutes}
          bucketMs={60_000}
        />
      )}
      <Grid>
        {of.traffic && (
          <Grid.Col span={{ base: 12, md: of.expiring_keys ? 7 : 12 }}>
            <Denials of={of.traffic.denials} />
          </Grid.Col>
        )}
        {of.expiring_keys && (
          <Grid.Col span={{ base: 12, md: of.traffic ? 5 : 12 }}>
            <ExpiringKeys of={of.expiring_keys} />
          </Grid.Col>
        )}
      </Grid>
    </>
  );
}

const Waiting = () => (
  <SimpleGrid cols={{ base: 2, md: 4 }} aria-busy="true" aria-label="Loading">
    <Skeleton h={86} />
    <Skeleton h={86} />
    <Skeleton h={86} />
    <Skeleton h={86} />
  </SimpleGrid>
);
