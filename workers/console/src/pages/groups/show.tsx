/** One group: who is in it, and what each of them may reach by it. */
import { Badge, Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useChange } from '../../api/change.ts';
import { api, take } from '../../api/client.ts';
import { useCan } from '../../api/session.ts';
import { Confirm } from '../../parts/confirm.tsx';
import { Facts } from '../../parts/facts.tsx';
import { Page } from '../../parts/page.tsx';
import { Refusal } from '../../parts/refusal.tsx';
import { Time } from '../../parts/time.tsx';
import { Grants } from '../people/grants.tsx';
import { Members } from './members.tsx';
import { RenameGroup } from './rename.tsx';

const route = getRouteApi('/groups/$id');

export default function GroupPage() {
  const { id } = route.useParams();
  const { data: group, error } = useQuery({
    queryKey: ['groups', id],
    queryFn: () => take(api.groups[':id'].$get({ param: { id } })),
  });
  const can = useCan();
  if (!group)
    return (
      <Page title="Group" up={{ title: 'Groups', to: '/groups' }}>
        <Refusal error={error} />
      </Page>
    );
  const { name } = group;
  const local = group.source === 'admin';
  return (
    <Page
      title={name}
      up={{ title: 'Groups', to: '/groups' }}
      badge={local ? <Badge color="gray">local</Badge> : <Badge color="blue">SCIM</Badge>}
      about={
        local ? undefined : 'The identity provider keeps its name and its members; grants are made here.'
      }
      actions={
        local &&
        can('groups:write') && (
          <>
            <RenameGroup group={group} />
            <DeleteGroup group={group} />
          </>
        )
      }
    >
      <Facts
        of={[
          ['Members', group.members],
          ['Resources', group.resources],
          ['Changed', <Time key="updated" at={group.updated_at} />],
        ]}
      />
      {can('users:read') && <Members group={group} />}
      {can('grants:read') && <Grants to={{ group_id: id }} name={name} />}
    </Page>
  );
}

function DeleteGroup({ group: { id, name } }: { group: { id: string; name: string } }) {
  const navigate = useNavigate();
  const remove = useChange(() => take(api.groups[':id'].$delete({ param: { id } })), {
    done: `${name} deleted`,
    after: () => navigate({ to: '/groups' }),
  });
  return (
    <Confirm
      title={`Delete ${name}?`}
      verb="Delete"
      run={() => remove.mutateAsync()}
      opener={(open) => (
        <Button c="var(--mantine-color-error)" variant="default" onClick={open}>
          Delete
        </Button>
      )}
    >
      Its members lose at once what they reach by it alone. The people themselves stay.
    </Confirm>
  );
}
