/** The columns of lists of Resources: all of them, or those of one Remote Network. */
import { Anchor, Code, Stack, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { api } from '../../api/client.ts';
import type { Columns } from '../../parts/data-table.tsx';
import { sayReach } from './port-text.ts';

type Answer = Awaited<ReturnType<Awaited<ReturnType<typeof api.resources.$get>>['json']>>;
type Resource = Extract<Answer, { items: unknown }>['items'][number];

export const resourceColumns: Columns<Resource> = [
  {
    header: 'Name',
    id: 'name',
    cell: ({ row: { original } }) => (
      <Anchor
        component={Link}
        {...({ to: '/resources/$id', params: { id: original.id } } as object)}
        fw={600}
      >
        {original.name}
      </Anchor>
    ),
  },
  {
    header: 'Address',
    id: 'address',
    cell: ({ row: { original } }) => (
      <Stack gap={2} align="flex-start">
        <Code>{original.address}</Code>
        {original.alias !== null && (
          <Text size="xs" c="dimmed">
            also {original.alias}
          </Text>
        )}
      </Stack>
    ),
  },
  { header: 'Ports', id: 'ports', cell: ({ row: { original } }) => sayReach(original) },
  {
    header: 'Remote Network',
    id: 'network',
    cell: ({ row: { original } }) => (
      <Anchor
        component={Link}
        {...({ to: '/networks/$id', params: { id: original.remote_network_id } } as object)}
        size="sm"
      >
        {original.remote_network_name}
      </Anchor>
    ),
  },
  {
    header: 'Granted to',
    id: 'grants',
    cell: ({ row: { original } }) =>
      original.grants === 0 ? (
        <Text size="sm" c="dimmed">
          nobody
        </Text>
      ) : (
        original.grants
      ),
  },
];
