/** The groups of a person, and what they reach by each of them. */
import { Anchor, Badge, Group, Paper, Stack, Text, Title } from '@mantine/core';
import { useQueries, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { UsersRound } from 'lucide-react';
import { api, take } from '../../api/client.ts';
import { useCan } from '../../api/session.ts';
import { Empty } from '../../parts/empty.tsx';
import { Refusal } from '../../parts/refusal.tsx';

/** Of one group; its own page has all. */
const shownResources = 20;

export function GroupsOf({ user, name }: { user: string; name: string }) {
  const groups = useQuery({
    queryKey: ['groups', 'of', user],
    queryFn: () => take(api.groups.$get({ query: { user_id: user, limit: '100' } })),
  });
  const mayRead = useCan()('grants:read');
  const items = groups.data?.items ?? [];
  const reached = useQueries({
    queries: items.map(({ id }) => ({
      queryKey: ['grants', { group_id: id }, 'short'],
      queryFn: () => take(api.grants.$get({ query: { group_id: id, limit: String(shownResources) } })),
      enabled: mayRead,
    })),
  });
  return (
    <Stack component="section" gap="sm" aria-label="By groups">
      <Title order={2}>And by groups</Title>
      <Refusal error={groups.error} />
      <Paper>
        {groups.data && items.length === 0 ? (
          <Empty icon={UsersRound} title="In no group">
            What is granted to a group, {name} reaches once they are in it.
          </Empty>
        ) : (
          <Stack gap="md">
            {items.map(({ id, name: group, source }, at) => {
              const grants = reached[at]?.data?.items.filter(({ state }) => state === 'active') ?? [];
              return (
                <Stack key={id} gap={4}>
                  <Group gap="xs">
                    <Anchor component={Link} {...({ to: '/groups/$id', params: { id } } as object)} fw={600}>
                      {group}
                    </Anchor>
                    {source === 'scim' && <Badge color="blue">SCIM</Badge>}
                  </Group>
                  <Text size="sm" {...(grants.length === 0 && { c: 'dimmed' })}>
                    {grants.length === 0
                      ? 'reaches nothing'
                      : grants.map(({ resource_name }) => resource_name).join(', ')}
                    {reached[at]?.data?.next_cursor && ' and more'}
                  </Text>
                </Stack>
              );
            })}
          </Stack>
        )}
      </Paper>
    </Stack>
  );
}
