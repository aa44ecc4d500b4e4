/**
 * One Service Account: what deserves an eye, its keys, the Clients that run on them, and what it may reach.
 * Asked again every few seconds, so that a Client that comes or goes is seen.
 */
import { Button, Text } from '@mantine/core';
import { useSuspenseQuery } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { Activity, Pencil, Trash2, TriangleAlert } from 'lucide-react';
import { useChange } from '../../api/change.ts';
import { api, take } from '../../api/client.ts';
import { useCan } from '../../api/session.ts';
import { ActivityOf } from '../../parts/activity/activity.tsx';
import { Copied } from '../../parts/code-block.tsx';
import { Confirm } from '../../parts/confirm.tsx';
import { Facts } from '../../parts/facts.tsx';
import { Notice } from '../../parts/notice.tsx';
import { Page } from '../../parts/page.tsx';
import { Section } from '../../parts/section.tsx';
import { Time } from '../../parts/time.tsx';
import { EditService } from './edit.tsx';
import { Grants } from './grants.tsx';
import { Keys } from './keys.tsx';

const route = getRouteApi('/services/$id');
const ask = (id: string) => take(api['service-accounts'][':id'].$get({ param: { id } }));
type Service = Awaited<ReturnType<typeof ask>>;

export default function ServicePage() {
  const { id } = route.useParams();
  const { data: service } = useSuspenseQuery({
    queryKey: ['services', id],
    queryFn: () => ask(id),
    refetchInterval: 5_000,
  });
  const can = useCan();
  return (
    <Page
      title={service.name}
      up={{ title: 'Services', to: '/services' }}
      about={service.description}
      actions={
        <>
          {can('events:read') && (
            <Button
              variant="default"
              leftSection={<Activity size={16} />}
              component={Link}
              {...({ to: '/activity', search: { principal: id } } as object)}
            >
              Recent Activity
            </Button>
          )}
          {can('services:write') && <Changes service={service} />}
        </>
      }
    >
      <Warnings of={service} />
      <Facts
        of={[
          ['Active keys', service.active_keys],
          ['Clients now', service.live_instances],
          ['Resources', service.resources],
          ['Last used', <Time key="used" at={service.last_used_at} />],
          ['Created', <Time key="created" at={service.created_at} />],
          ['ID', <Copied key="id" text={id} label="ID" />],
        ]}
      />
      <Keys service={service} />
      {can('grants:read') && <Grants service={service} />}
      {can('events:read') && (
        <Section title="Recent Activity">
          <ActivityOf of={{ principal: id }} />
        </Section>
      )}
    </Page>
  );
}

function Changes({ service: { id, name, description, active_keys } }: { service: Service }) {
  const navigate = useNavigate();
  const remove = useChange(() => take(api['service-accounts'][':id'].$delete({ param: { id } })), {
    done: `Service ${name} deleted`,
    after: () => navigate({ to: '/services' }),
  });
  return (
    <>
      <EditService
        service={{ id, name, description }}
        opener={(open) => (
          <Button variant="default" leftSection={<Pencil size={16} />} onClick={open}>
            Rename
          </Button>
        )}
      />
      {/* While a key is active, the Controller refuses. */}
      {active_keys === 0 && (
        <Confirm
          title={`Delete ${name}`}
          verb="Delete"
          run={remove.mutateAsync}
          opener={(open) => (
            <Button
              variant="default"
              c="var(--mantine-color-error)"
              leftSection={<Trash2 size={16} />}
              onClick={open}
            >
              Delete
            </Button>
          )}
        >
          The Service, what is granted to it and its revoked or expired keys are gone for good. Its Recent
          Activity stays.
        </Confirm>
      )}
    </>
  );
}

function Warnings({ of: { warnings } }: { of: Service }) {
  if (warnings.length === 0) return null;
  return (
    <Notice icon={TriangleAlert} title="Worth a look">
      {warnings.map(({ code, key_id, detail }) => (
        <Text key={`${code} ${key_id}`} size="sm">
          {detail[0]!.toUpperCase() + detail.slice(1)}.
        </Text>
      ))}
    </Notice>
  );
}
