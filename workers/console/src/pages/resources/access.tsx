/** Who may reach a Resource, and by what: its grants, each with its end, and the way to take it back. */
import { ActionIcon, Anchor, Badge, Tooltip } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { KeySquare, Trash2 } from 'lucide-react';
import type { ReactNode } from 'react';
import { useChange } from '../../api/change.ts';
import { api, take } from '../../api/client.ts';
import { usePages } from '../../api/pages.ts';
import { useCan } from '../../api/session.ts';
import { Confirm } from '../../parts/confirm.tsx';
import { type Columns, DataTable } from '../../parts/data-table.tsx';
import { Empty } from '../../parts/empty.tsx';
import { Time } from '../../parts/time.tsx';

const ask = (resource: string, cursor: string | undefined) =>
  take(api.grants.$get({ query: { resource_id: resource, cursor } }));
type Grant = Awaited<ReturnType<typeof ask>>['items'][number];

export function Access({ resource, grant }: { resource: string; grant: ReactNode }) {
  const pages = usePages(['grants', 'of', resource], (cursor) => ask(resource, cursor));
  const mayWrite = useCan()('grants:write');
  return (
    <DataTable
      label="Access"
      columns={mayWrite ? [...columns, takeBack] : columns}
      pages={pages}
      rowId={({ id }) => id}
      minWidth={560}
      empty={
        <Empty icon={KeySquare} title="Nobody may reach it" action={grant}>
          Access is denied until it is granted: to a Service Account, a group or a person.
        </Empty>
      }
    />
  );
}

const columns: Columns<Grant> = [
  {
    header: 'Who',
    id: 'who',
    cell: ({ row: { original } }) => {
      const { to, id } = granteeOf(original);
      return (
        <Anchor component={Link} {...({ to, params: { id } } as object)} fw={600}>
          {original.grantee_name}
        </Anchor>
      );
    },
  },
  {
    header: 'As',
    id: 'kind',
    cell: ({ row: { original } }) => <Badge color="gray">{granteeOf(original).what}</Badge>,
  },
  {
    header: 'Ends',
    id: 'ends',
    cell: ({ row: { original } }) =>
      original.state === 'expired' ? (
        <>
          <Badge color="red">expired</Badge> <Time at={original.expires_at} size="sm" />
        </>
      ) : (
        <Time at={original.expires_at} never="never" />
      ),
  },
  { header: 'Granted', id: 'granted', cell: ({ row: { original } }) => <Time at={original.created_at} /> },
];

const takeBack: Columns<Grant>[number] = {
  header: 'Action',
  id: 'action',
  cell: ({ row: { original } }) => <TakeBack grant={original} />,
};

function TakeBack({ grant: { id, grantee_name: who, resource_name: what } }: { grant: Grant }) {
  const remove = useChange(() => take(api.grants[':id'].$delete({ param: { id } })), {
    done: `${who} can no longer reach ${what} by this grant`,
  });
  return (
    <Confirm
      title={`Take the grant from ${who}?`}
      verb="Take back"
      run={() => remove.mutateAsync()}
      opener={(open) => (
        <Tooltip label="Take back">
          <ActionIcon
            variant="subtle"
            color="gray"
            c="var(--mantine-color-error)"
            onClick={open}
            aria-label={`Take the grant from ${who}`}
          >
            <Trash2 size={16} />
          </ActionIcon>
        </Tooltip>
      )}
    >
      Live flows by this grant are cut at once. Another grant, of a group for instance, still counts.
    </Confirm>
  );
}

function granteeOf(grant: Grant): { what: string; to: string; id: string } {
  if (grant.service_account_id !== null)
    return { what: 'Service Account', to: '/services/$id', id: grant.service_account_id };
  if (grant.group_id !== null) return { what: 'group', to: '/groups/$id', id: grant.group_id };
  return { what: 'person', to: '/people/$id', id: grant.user_id ?? '' };
}
