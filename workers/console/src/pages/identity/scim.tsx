/** SCIM: the address for the identity provider's client, and the tokens that it may show, with their last use. */
import { Badge, Button, Group, Paper, Stack, Text, Title } from '@mantine/core';
import { Plus, RefreshCw } from 'lucide-react';
import { useChange } from '../../api/change.ts';
import { api, take } from '../../api/client.ts';
import { usePages } from '../../api/pages.ts';
import { tenantBase } from '../../api/place.ts';
import { useCan } from '../../api/session.ts';
import { CodeBlock } from '../../parts/code-block.tsx';
import { Confirm } from '../../parts/confirm.tsx';
import { type Columns, DataTable } from '../../parts/data-table.tsx';
import { Empty } from '../../parts/empty.tsx';
import { Time } from '../../parts/time.tsx';
import { stateColor } from '../api-tokens/state-color.ts';
import { TokenForm } from '../api-tokens/token-form.tsx';

const ask = (cursor: string | undefined) => take(api['scim-tokens'].$get({ query: { cursor } }));
type Token = Awaited<ReturnType<typeof ask>>['items'][number];

export function Scim() {
  const pages = usePages(['scim-tokens'], ask);
  const mayWrite = useCan()('scim:write');
  const create = mayWrite && (
    <TokenForm
      title="Create a SCIM token"
      make={(values) => take(api['scim-tokens'].$post({ json: values }))}
      about="Give it to the SCIM client of your identity provider, with the base URL."
      opener={(open) => (
        <Button leftSection={<Plus size={16} />} variant="default" onClick={open}>
          Create a SCIM token
        </Button>
      )}
    />
  );
  return (
    <Stack component="section" gap="sm" aria-label="SCIM">
      <Group justify="space-between">
        <Title order={2}>SCIM</Title>
        {create}
      </Group>
      <Paper>
        <Text size="sm" mb="xs">
          Your identity provider adds, changes and deactivates people and groups here by itself. Its base URL
          for that:
        </Text>
        <CodeBlock label="the base URL">{`${location.origin}${tenantBase}/scim/v2`}</CodeBlock>
      </Paper>
      <DataTable
        label="SCIM tokens"
        columns={columns}
        pages={pages}
        rowId={({ id }) => id}
        empty={
          <Empty icon={RefreshCw} title="No SCIM token yet" action={create}>
            Create one, and enter it at your identity provider: then people come and go with their accounts
            there.
          </Empty>
        }
      />
    </Stack>
  );
}

const columns: Columns<Token> = [
  { header: 'Name', id: 'name', cell: ({ row: { original } }) => <Text fw={600}>{original.name}</Text> },
  {
    header: 'State',
    id: 'state',
    cell: ({ row: { original } }) => <Badge color={stateColor(original.state)}>{original.state}</Badge>,
  },
  { header: 'Last use', id: 'used', cell: ({ row: { original } }) => <Time at={original.last_used_at} /> },
  {
    header: 'Expires',
    id: 'expires',
    cell: ({ row: { original } }) => <Time at={original.expires_at} never="never" />,
  },
  { header: '', id: 'actions', cell: ({ row: { original } }) => <Actions token={original} /> },
];

function Actions({ token: { id, name, state } }: { token: Token }) {
  const mayWrite = useCan()('scim:write');
  const revoke = useChange(() => take(api['scim-tokens'][':id'].revoke.$post({ param: { id } })), {
    done: `${name} revoked`,
  });
  const remove = useChange(() => take(api['scim-tokens'][':id'].$delete({ param: { id } })), {
    done: `${name} deleted`,
  });
  if (!mayWrite) return null;
  if (state !== 'active')
    return (
      <Button
        variant="default"
        c="var(--mantine-color-error)"
        size="compact-sm"
        onClick={() => remove.mutate()}
        loading={remove.isPending}
        aria-label={`Delete ${name}`}
      >
        Delete
      </Button>
    );
  return (
    <Confirm
      title={`Revoke ${name}?`}
      verb="Revoke"
      run={() => revoke.mutateAsync()}
      opener={(open) => (
        <Button
          variant="default"
          c="var(--mantine-color-error)"
          size="compact-sm"
          onClick={open}
          aria-label={`Revoke ${name}`}
        >
          Revoke
        </Button>
      )}
    >
      The identity provider can change nothing here by it any more. This is for good.
    </Confirm>
  );
}
