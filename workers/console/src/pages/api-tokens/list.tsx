/** API tokens: what programs show in place of a person, each with its scopes and its last use. */
import { Badge, Button, Group, Text } from '@mantine/core';
import { getRouteApi } from '@tanstack/react-router';
import { KeyRound } from 'lucide-react';
import { useChange } from '../../api/change.ts';
import { api, take } from '../../api/client.ts';
import { usePages } from '../../api/pages.ts';
import { useCan } from '../../api/session.ts';
import { Confirm } from '../../parts/confirm.tsx';
import { type Columns, DataTable } from '../../parts/data-table.tsx';
import { Empty } from '../../parts/empty.tsx';
import { Page } from '../../parts/page.tsx';
import { Search } from '../../parts/search.tsx';
import { Time } from '../../parts/time.tsx';
import { CreateToken } from './create.tsx';
import { stateColor } from './state-color.ts';

const route = getRouteApi('/api-tokens');
const ask = (q: string | undefined, cursor: string | undefined) =>
  take(api['api-tokens'].$get({ query: { q, cursor } }));
type Token = Awaited<ReturnType<typeof ask>>['items'][number];

export default function ApiTokenList() {
  const { q } = route.useSearch();
  const navigate = route.useNavigate();
  const pages = usePages(['api-tokens', q], (cursor) => ask(q, cursor));
  const create = useCan()('tokens:write') && <CreateToken />;
  return (
    <Page
      title="API tokens"
      about="A program that shows one may do what its scopes say, and nothing else. People log in instead."
      actions={create}
    >
      <Search
        label="Search API tokens"
        value={q}
        onChange={(q) => navigate({ search: { q }, replace: true })}
      />
      <DataTable
        label="API tokens"
        columns={columns}
        pages={pages}
        rowId={({ id }) => id}
        minWidth={760}
        empty={
          q === undefined ? (
            <Empty icon={KeyRound} title="No API token yet" action={create}>
              Create one for a script, for Terraform, or for the command line.
            </Empty>
          ) : (
            <Empty icon={KeyRound} title={`No token is called “${q}”`}>
              Search for a part of the name.
            </Empty>
          )
        }
      />
    </Page>
  );
}

/** So many are shown; the others are counted. */
const shown = 3;

const columns: Columns<Token> = [
  { header: 'Name', id: 'name', cell: ({ row: { original } }) => <Text fw={600}>{original.name}</Text> },
  {
    header: 'May',
    id: 'scopes',
    cell: ({ row: { original } }) => (
      <Group gap={4} title={original.scopes.join(', ')}>
        {original.scopes.slice(0, shown).map((scope) => (
          <Badge key={scope} color="gray" ff="monospace">
            {scope === '*' ? 'everything' : scope}
          </Badge>
        ))}
        {original.scopes.length > shown && (
          <Badge color="gray">and {original.scopes.length - shown} more</Badge>
        )}
      </Group>
    ),
  },
  {
    header: 'State',
    id: 'state',
    cell: ({ row: { original } }) => <Badge color={stateColor(original.state)}>{original.state}</Badge>,
  },
  { header: 'Last use', id: 'used', cell: ({ row: { original } }) => <Time at={original.last_used_at} /> },
  { header: 'Expires', id: 'expires', cell: ({ row: { original } }) => <Time at={original.expires_at} /> },
  { header: '', id: 'actions', cell: ({ row: { original } }) => <Actions token={original} /> },
];

function Actions({ token: { id, name, state } }: { token: Token }) {
  const mayWrite = useCan()('tokens:write');
  const revoke = useChange(() => take(api['api-tokens'][':id'].revoke.$post({ param: { id } })), {
    done: `${name} revoked`,
  });
  const remove = useChange(() => take(api['api-tokens'][':id'].$delete({ param: { id } })), {
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
      Whatever program shows it is refused from now on. This is for good.
    </Confirm>
  );
}
