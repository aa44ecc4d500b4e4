/** Service Keys that run out within 30 days. */
import { Anchor, Group, Paper, Stack, Text, Title } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { Time } from '../../parts/time.tsx';
import type { Overview } from './overview.tsx';

export function ExpiringKeys({ of }: { of: NonNullable<Overview['expiring_keys']> }) {
  const more = of.total - of.items.length;
  return (
    <Paper h="100%">
      <Title order={2} mb="sm">
        Keys expiring soon
      </Title>
      {of.items.length === 0 && (
        <Text size="sm" c="dimmed">
          No Service Key expires within 30 days.
        </Text>
      )}
      <Stack gap="xs">
        {of.items.map(
          ({ id, name, service_account_id: account, service_account_name: service, expires_at: at }) => (
            <Group key={id} justify="space-between" wrap="nowrap" gap="sm">
              <Text size="sm" truncate>
                <Anchor
                  component={Link}
                  {...({ to: '/services/$id', params: { id: account } } as object)}
                  inherit
                >
                  {service ?? account}
                </Anchor>{' '}
                · {name}
              </Text>
              <Text size="sm" c="dimmed">
                <Time at={at} />
              </Text>
            </Group>
          ),
        )}
        {more > 0 && (
          <Text size="xs" c="dimmed">
            and {more.toLocaleString('en')} more
          </Text>
        )}
      </Stack>
    </Paper>
  );
}
