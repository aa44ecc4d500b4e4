/** One Resource: what it is, what it overlaps, who may reach it, and what happened there. */
import { Anchor, Badge, Button, Code, Group } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { Pencil, Plus, Trash2 } from 'lucide-react';
import { useChange } from '../../api/change.ts';
import { api, take } from '../../api/client.ts';
import { useCan } from '../../api/session.ts';
import { ActivityOf } from '../../parts/activity/activity.tsx';
import { Copied } from '../../parts/code-block.tsx';
import { Confirm } from '../../parts/confirm.tsx';
import { Facts } from '../../parts/facts.tsx';
import { Page } from '../../parts/page.tsx';
import type { Choice } from '../../parts/picker.tsx';
import { Refusal } from '../../parts/refusal.tsx';
import { Section } from '../../parts/section.tsx';
import { Time } from '../../parts/time.tsx';
import { Access } from './access.tsx';
import { EditResource } from './edit.tsx';
import { GrantResource } from './grant.tsx';
import { Overlaps } from './overlaps.tsx';
import { sayPorts } from './port-text.ts';

const route = getRouteApi('/resources/$id');
const up = { title: 'Resources', to: '/resources' } as const;
const ask = (id: string) => take(api.resources[':id'].$get({ param: { id } }));
type Resource = Awaited<ReturnType<typeof ask>>;

export default function ResourcePage() {
  const { id } = route.useParams();
  const can = useCan();
  const { data, error, refetch } = useQuery({ queryKey: ['resource', id], queryFn: () => ask(id) });
  const network = useNetwork(data?.remote_network_id);
  const policy = usePolicy(data?.policy_id ?? undefined);
  if (!data) {
    return (
      <Page title="Resource" up={up}>
        <Refusal error={error} retry={() => void refetch()} />
      </Page>
    );
  }
  const grant = can('grants:write') && (
    <GrantResource
      resource={data}
      opener={(open) => (
        <Button leftSection={<Plus size={16} />} onClick={open}>
          Grant access
        </Button>
      )}
    />
  );
  return (
    <Page
      title={data.name}
      up={up}
      actions={
        can('resources:write') && (
          <>
            <EditResource
              resource={data}
              network={network}
              policy={policy}
              opener={(open) => (
                <Button variant="default" leftSection={<Pencil size={16} />} onClick={open}>
                  Edit
                </Button>
              )}
            />
            <DeleteResource resource={data} />
          </>
        )
      }
    >
      <About resource={data} network={network} policy={policy} />
      {data.overlaps.length > 0 && (
        <Section
          title="Overlaps"
          about="Where two Resources match one destination, the more exact one decides: its ports, its grants, its policy."
        >
          <Overlaps address={data.address} of={data.overlaps} />
        </Section>
      )}
      {can('grants:read') && (
        <Section title="Who has access" actions={grant}>
          <Access resource={id} grant={grant} />
        </Section>
      )}
      {can('events:read') && (
        <Section title="Recent Activity" about="Flows to this Resource, let through and denied.">
          <ActivityOf of={{ resource: id }} />
        </Section>
      )}
    </Page>
  );
}

function useNetwork(id: string | undefined): Choice | undefined {
  const mayRead = useCan()('networks:read');
  const { data } = useQuery({
    queryKey: ['remote-network', id],
    queryFn: () => take(api['remote-networks'][':id'].$get({ param: { id: id! } })),
    enabled: id !== undefined && mayRead,
  });
  return data && { value: data.id, label: data.name };
}

function usePolicy(id: string | undefined): Choice | undefined {
  const mayRead = useCan()('policies:read');
  const { data } = useQuery({
    queryKey: ['policy', id],
    queryFn: () => take(api.policies[':id'].$get({ param: { id: id! } })),
    enabled: id !== undefined && mayRead,
  });
  return data && { value: data.id, label: data.name };
}

function About({
  resource,
  network,
  policy,
}: {
  resource: Resource;
  network: Choice | undefined;
  policy: Choice | undefined;
}) {
  const tags = Object.entries(resource.tags);
  return (
    <Facts
      of={[
        ['Address', <Copied key="address" text={resource.address} label="address" />],
        ['Alias', resource.alias && <Code>{resource.alias}</Code>],
        [
          'Remote Network',
          <Anchor
            key="network"
            component={Link}
            {...({ to: '/networks/$id', params: { id: resource.remote_network_id } } as object)}
            size="sm"
          >
            {network?.label ?? resource.remote_network_id}
          </Anchor>,
        ],
        ['TCP ports', sayPorts(resource.tcp)],
        ['UDP ports', sayPorts(resource.udp)],
        ['Ping', resource.icmp ? 'allowed' : 'not allowed'],
        [
          'Security Policy',
          resource.policy_id === null ? (
            'the default policy'
          ) : (
            <Anchor
              key="policy"
              component={Link}
              {...({ to: '/policies/$id', params: { id: resource.policy_id } } as object)}
              size="sm"
            >
              {policy?.label ?? resource.policy_id}
            </Anchor>
          ),
        ],
        [
          'Tags',
          tags.length > 0 ? (
            <Group key="tags" gap={4}>
              {tags.map(([name, value]) => (
                <Badge key={name} color="gray">
                  {name}={value}
                </Badge>
              ))}
            </Group>
          ) : null,
        ],
        ...(resource.allow_reserved ? [['Reserved address', 'explicitly allowed'] as const] : []),
        ['Created', <Time key="created" at={resource.created_at} />],
        ['Changed', <Time key="changed" at={resource.updated_at} />],
        ['ID', <Copied key="id" text={resource.id} label="ID" />],
      ]}
    />
  );
}

function DeleteResource({ resource: { id, name } }: { resource: Resource }) {
  const navigate = useNavigate();
  const remove = useChange(() => take(api.resources[':id'].$delete({ param: { id } })), {
    done: `Resource ${name} deleted`,
    after: () => navigate({ to: '/resources' }),
  });
  return (
    <Confirm
      title={`Delete ${name}?`}
      verb="Delete"
      run={() => remove.mutateAsync()}
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
      Everybody who has it loses it at once: its grants go with it, and its live flows are cut. Its past
      activity stays.
    </Confirm>
  );
}
