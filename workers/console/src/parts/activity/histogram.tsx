/** How many flows there were over time, by kind: bars that can be clicked to look into that time. */
import { Box, Group, Paper, Skeleton, Text, Tooltip, UnstyledButton } from '@mantine/core';
import classes from './histogram.module.css';

interface Bucket {
  at: string;
  established: number;
  closed: number;
  denied: number;
  failed: number;
}

export const kinds = ['established', 'closed', 'denied', 'failed'] as const;
export const colours: Record<(typeof kinds)[number], string> = {
  established: 'var(--mantine-color-blue-5)',
  closed: 'var(--mantine-color-gate-6)',
  denied: 'var(--mantine-color-red-6)',
  failed: 'var(--mantine-color-orange-5)',
};

const short = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const long = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
});

export function Histogram({
  buckets,
  bucketMs,
  label,
  onPick,
}: {
  buckets: readonly Bucket[] | undefined;
  bucketMs: number;
  label: string;
  /** Somebody clicked a bar: from and until, ISO 8601. */
  onPick?: (since: string, until: string) => void;
}) {
  if (buckets === undefined) return <Skeleton h={132} />;
  const total = (bucket: Bucket) => kinds.reduce((sum, kind) => sum + bucket[kind], 0);
  const most = Math.max(1, ...buckets.map(total));
  const sums = kinds.map((kind) => [kind, buckets.reduce((sum, one) => sum + one[kind], 0)] as const);
  const format = buckets.length * bucketMs > 43_200_000 ? long : short;
  const first = buckets[0];
  const last = buckets.at(-1);
  return (
    <Paper p="sm">
      <Group justify="space-between" gap="xs" mb={6}>
        <Text size="xs" c="dimmed">
          {label}
        </Text>
        <Group gap="sm">
          {sums.map(([kind, sum]) => (
            <Group key={kind} gap={5} wrap="nowrap">
              <Box w={9} h={9} style={{ background: colours[kind], borderRadius: 2 }} />
              <Text size="xs">
                {kind} {sum.toLocaleString('en')}
              </Text>
            </Group>
          ))}
        </Group>
      </Group>
      <section
        className={classes['bars']}
        aria-label={`${label}: ${sums.map(([kind, sum]) => `${sum} ${kind}`).join(', ')}`}
      >
        {buckets.map((bucket) => {
          const until = new Date(Date.parse(bucket.at) + bucketMs).toISOString();
          const said = kinds.filter((kind) => bucket[kind] > 0).map((kind) => `${bucket[kind]} ${kind}`);
          const title = `${format.format(new Date(bucket.at))}: ${said.join(', ') || 'nothing'}`;
          const bar = (
            <span className={classes['bar']} style={{ height: `${(100 * total(bucket)) / most}%` }}>
              {kinds.map((kind) =>
                bucket[kind] > 0 ? (
                  <span key={kind} style={{ flex: bucket[kind], background: colours[kind] }} />
                ) : null,
              )}
            </span>
          );
          return (
            <Tooltip key={bucket.at} label={title} openDelay={100}>
              {onPick && total(bucket) > 0 ? (
                <UnstyledButton
                  className={classes['slot']}
                  aria-label={title}
                  onClick={() => onPick(bucket.at, until)}
                >
                  {bar}
                </UnstyledButton>
              ) : (
                <span className={classes['slot']}>{bar}</span>
              )}
            </Tooltip>
          );
        })}
      </section>
      <Group justify="space-between">
        <Text size="xs" c="dimmed">
          {first && format.format(new Date(first.at))}
        </Text>
        <Text size="xs" c="dimmed">
          {last && format.format(new Date(Date.parse(last.at) + bucketMs))}
        </Text>
      </Group>
    </Paper>
  );
}
