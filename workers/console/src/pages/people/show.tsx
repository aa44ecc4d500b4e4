/** One person: who they are, their role, what they reach and by what, and where they are logged in. */
import { Alert, Badge, Box, Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useChange } from '../../api/change.ts';
import { api, take } from '../../api/client.ts';
import { useCan, useSession } from '../../api/session.ts';
import { Confirm } from '../../parts/confirm.tsx';
import { Facts } from '../../parts/facts.tsx';
import { Page } from '../../parts/page.tsx';
import { Refusal } from '../../parts/refusal.tsx';
import { Time } from '../../parts/time.tsx';
import { BrowserSessions } from '../sessions/browsers.tsx';
import { RoleSelect } from './create.tsx';
import { DeviceSessions } from './devices.tsx';
import { Grants } from './grants.tsx';
import { GroupsOf } from './groups.tsx';
import { sources } from './list.tsx';

const route = getRouteApi('/people/$id');

const ask = (id: string) => take(api.users[':id'].$get({ param: { id } }));
type User = Awaited<ReturnType<typeof ask>>;

export default function PersonPage() {
  const { id } = route.useParams();
  const { data: user, error } = useQuery({
    queryKey: ['users', id],
    queryFn: () => ask(id),
  });
  const can = useCan();
  if (!user)
    return (
      <Page title="Person" up={{ title: 'People', to: '/people' }}>
        <Refusal error={error} />
      </Page>
    );
  const name = user.name ?? user.user_name;
  return (
    <Page
      title={name}
      up={{ title: 'People', to: '/people' }}
      badge={user.active ? <Badge color="teal">active</Badge> : <Badge color="red">deactivated</Badge>}
      actions={can('users:write') && <Actions user={user} />}
    >
      {!user.active && (
        <Alert color="red" title="Cannot get in">
          Their flows were cut and their sessions ended. What was granted to them is kept for when they are
          let in again.
        </Alert>
      )}
      <Facts
        of={[
          ['User name', user.user_name],
          ['E-mail address', user.email],
          ['Added by', sources[user.source]],
          ['Last login', <Time key="login" at={user.last_login_at} />],
          ['Added', <Time key="created" at={user.created_at} />],
          ['Changed', <Time key="updated" at={user.updated_at} />],
        ]}
      />
      <ChangeRole user={user} />
      {can('grants:read') && <Grants to={{ user_id: id }} name={name} />}
      {can('groups:read') && <GroupsOf user={id} name={name} />}
      {can('sessions:read') && <DeviceSessions user={id} />}
      {can('sessions:read') && <BrowserSessions user={id} title="In the console" />}
    </Page>
  );
}

function ChangeRole({ user: { id, role, user_name } }: { user: User }) {
  const { scopes } = useSession();
  const can = useCan();
  const change = useChange(
    (next: User['role']) => take(api.users[':id'].$patch({ param: { id }, json: { role: next } })),
    { done: ({ role: now }) => `${user_name} is ${now ?? 'without a role'} now` },
  );
  return (
    <Box maw={420}>
      <RoleSelect
        held={scopes}
        value={role}
        disabled={!can('users:write') || change.isPending}
        onChange={(next) => change.mutate(next)}
      />
    </Box>
  );
}

function Actions({ user: { id, active, user_name, source } }: { user: User }) {
  const navigate = useNavigate();
  const setActive = useChange(
    (next: boolean) => take(api.users[':id'].$patch({ param: { id }, json: { active: next } })),
    { done: ({ active: now }) => (now ? `${user_name} may get in again` : `${user_name} was cut`) },
  );
  const remove = useChange(() => take(api.users[':id'].$delete({ param: { id } })), {
    done: `${user_name} deleted`,
    after: () => navigate({ to: '/people' }),
  });
  if (active)
    return (
      <Confirm
        title={`Deactivate ${user_name}?`}
        verb="Deactivate"
        run={() => setActive.mutateAsync(false)}
        opener={(open) => (
          <Button c="var(--mantine-color-error)" variant="default" onClick={open}>
            Deactivate
          </Button>
        )}
      >
        Their flows are cut at once, their sessions end here and on every device, and they cannot log in until
        somebody activates them again.
      </Confirm>
    );
  return (
    <>
      <Button variant="default" onClick={() => setActive.mutate(true)} loading={setActive.isPending}>
        Activate
      </Button>
      {source !== 'scim' && (
        <Confirm
          title={`Delete ${user_name}?`}
          verb="Delete"
          run={() => remove.mutateAsync()}
          opener={(open) => (
            <Button c="var(--mantine-color-error)" variant="default" onClick={open}>
              Delete
            </Button>
          )}
        >
          With everything that was granted to them. The audit log and Recent Activity keep what they did.
        </Confirm>
      )}
    </>
  );
}
