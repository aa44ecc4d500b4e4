/** What was denied in the last hour, the latest first, with the reason. */
import { Anchor, Group, Paper, Stack, Text, Title } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { reasonOf } from '../../parts/activity/words.tsx';
import { Time } from '../../parts/time.tsx';
import type { Overview } from './overview.tsx';

type DenialsOf = NonNullable<Overview['traffic']>['denials'];

export function Denials({ of }: { of: DenialsOf }) {
  return (
    <Paper h="100%">
      <Group justify="space-between" mb="sm">
        <Title order={2}>Denied in the last hour</Title>
        <Anchor
          component={Link}
          {...({ to: '/activity', search: { kind: 'denied', since: '1h' } } as object)}
          size="sm"
        >
          All of them
        </Anchor>
      </Group>
      {of.items.length === 0 && (
        <Text size="sm" c="dimmed">
          Nothing was denied.
        </Text>
      )}
      <Stack gap="sm">
        {of.items.map(({ code, principal, principal_name: name, host, port, count, last_at: at }) => {
          const reason = reasonOf(code);
          return (
            <Group
              key={`${code} ${principal} ${host} ${port}`}
              justify="space-between"
              wrap="nowrap"
              align="flex-start"
            >
              <div style={{ minWidth: 0 }}>
                <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
                  <b>{name ?? principal ?? 'Somebody'}</b> to {host}
                  {port !== null && `:${port}`}
                </Text>
                <Text size="xs" c="dimmed">
                  {reason ? `${reason.title} ${reason.remedy}` : 'no reason was told'}
                </Text>
              </div>
              <Stack gap={0} align="flex-end">
                <Text size="sm" fw={600} c="var(--mantine-color-error)">
                  {count.toLocaleString('en')}×
                </Text>
                <Text size="xs" c="dimmed">
                  <Time at={at} />
                </Text>
              </Stack>
            </Group>
          );
        })}
      </Stack>
    </Paper>
  );
}
