/** One Connector as it stands now, asked again every five seconds, and what can be done with it. */
import { Anchor, Badge, Button, Group, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { Ban, KeyRound, Pencil, Trash2 } from 'lucide-react';
import { useChange } from '../../api/change.ts';
import { api, take } from '../../api/client.ts';
import { Problem } from '../../api/problem.ts';
import { useCan } from '../../api/session.ts';
import { ActivityOf } from '../../parts/activity/activity.tsx';
import { Copied } from '../../parts/code-block.tsx';
import { Confirm } from '../../parts/confirm.tsx';
import { ConnectorBadge, ConnectorTrouble, isHere, sentence, trouble } from '../../parts/connector-state.tsx';
import { Facts } from '../../parts/facts.tsx';
import { Page } from '../../parts/page.tsx';
import { Refusal } from '../../parts/refusal.tsx';
import { Section } from '../../parts/section.tsx';
import { Time } from '../../parts/time.tsx';
import { RenameConnector } from './rename.tsx';
import { RotateConnector } from './rotate.tsx';

const route = getRouteApi('/connectors/$id');
const refreshMs = 5_000;
const ask = (id: string) => take(api.connectors[':id'].$get({ param: { id } }));
type Connector = Awaited<ReturnType<typeof ask>>;

export default function ConnectorPage() {
  const { id } = route.useParams();
  const can = useCan();
  const { data, error, refetch } = useQuery({
    queryKey: ['connector', id],
    queryFn: () => ask(id),
    refetchInterval: refreshMs,
  });
  const networkId = data?.remote_network_id;
  const network = useQuery({
    queryKey: ['remote-network', networkId],
    queryFn: () => take(api['remote-networks'][':id'].$get({ param: { id: networkId! } })),
    enabled: networkId !== undefined && can('networks:read'),
  });
  const place = network.data?.name;
  if (!data) {
    return (
      <Page title="Connector" up={{ title: 'Remote Networks', to: '/networks' }}>
        <Refusal error={error} retry={() => void refetch()} />
      </Page>
    );
  }
  return (
    <Page
      title={data.name}
      up={{ title: place ?? 'Remote Network', to: `/networks/${data.remote_network_id}` as '/networks' }}
      badge={<ConnectorBadge state={data.state} />}
      actions={can('connectors:write') && <Actions connector={data} />}
    >
      {/* Deleted just now: its network's page is on the way. */}
      {!isGone(error) && <Refusal error={error} />}
      <ConnectorTrouble state={data.state} reason={data.state_reason} />
      <About connector={data} place={place} />
      <Relays relays={data.relays} present={isHere(data.state)} />
      {can('events:read') && (
        <Section title="Recent Activity" about="Flows that it carried or refused.">
          <ActivityOf of={{ connector: id }} />
        </Section>
      )}
    </Page>
  );
}

const isGone = (error: unknown): boolean => error instanceof Problem && error.code === 'not_found';

function About({ connector, place }: { connector: Connector; place: string | undefined }) {
  const labels = Object.entries(connector.labels);
  return (
    <Facts
      of={[
        // Trouble is told above.
        ...(connector.state === 'alive' ? [['State', sentence(connector.state_reason)] as const] : []),
        [
          'Remote Network',
          <Anchor
            key="network"
            component={Link}
            {...({ to: '/networks/$id', params: { id: connector.remote_network_id } } as object)}
            size="sm"
          >
            {place ?? connector.remote_network_id}
          </Anchor>,
        ],
        ['Last seen', <Time key="seen" at={connector.last_seen_at} />],
        ['Version', connector.version],
        ['Host', connector.hostname],
        ['Public address', connector.public_address],
        ['Connected', <Time key="connected" at={connector.connected_at} />],
        ['Enrolled', <Time key="enrolled" at={connector.enrolled_at} />],
        ['Created', <Time key="created" at={connector.created_at} />],
        ['Share of the load', connector.weight === 0 ? '0: it stands by' : String(connector.weight)],
        [
          'Labels',
          labels.length > 0 ? (
            <Group key="labels" gap={4}>
              {labels.map(([name, value]) => (
                <Badge key={name} color="gray">
                  {name}={value}
                </Badge>
              ))}
            </Group>
          ) : null,
        ],
        [
          'Anonymous name',
          connector.hash && <Copied key="hash" text={connector.hash} label="anonymous name" />,
        ],
        ['ID', <Copied key="id" text={connector.id} label="ID" />],
      ]}
    />
  );
}

const relayColors = { connected: 'teal', connecting: 'yellow', failed: 'red' } as const;

function Relays({ relays, present }: { relays: Connector['relays']; present: boolean }) {
  if (relays.length === 0) return null;
  return (
    <Section
      title="Relays"
      about={
        present
          ? 'Where Clients meet it first. It has dialled out to each.'
          : 'As it last told: it is not here now.'
      }
    >
      <Stack gap="xs">
        {relays.map(({ relay, name, state, code }) => (
          <Group key={relay} gap="sm" wrap="nowrap">
            <Badge color={present ? relayColors[state] : 'gray'}>{state}</Badge>
            <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
              {name}
              {code && ` · ${trouble(code)}`}
            </Text>
          </Group>
        ))}
      </Stack>
    </Section>
  );
}

function Actions({ connector }: { connector: Connector }) {
  const { id, name, state, remote_network_id: network } = connector;
  const navigate = useNavigate();
  const revoke = useChange(() => take(api.connectors[':id'].revoke.$post({ param: { id } })), {
    done: ({ receipt }) => `${name} revoked; ${receipt.flows_cut} flows cut`,
  });
  const remove = useChange(() => take(api.connectors[':id'].$delete({ param: { id } })), {
    done: `${name} deleted`,
    after: () => navigate({ to: '/networks/$id', params: { id: network } }),
  });
  const enrolled = state !== 'not_enrolled';
  return (
    <>
      <RenameConnector
        id={id}
        name={name}
        opener={(open) => (
          <Button variant="default" leftSection={<Pencil size={16} />} onClick={open}>
            Rename
          </Button>
        )}
      />
      {state !== 'revoked' && (
        <>
          <RotateConnector
            id={id}
            name={name}
            enrolled={enrolled}
            opener={(open) => (
              <Button variant="default" leftSection={<KeyRound size={16} />} onClick={open}>
                {enrolled ? 'Replace the key' : 'New token'}
              </Button>
            )}
          />
          <Confirm
            title={`Revoke ${name}?`}
            verb="Revoke"
            run={() => revoke.mutateAsync()}
            opener={(open) => (
              <Button
                variant="default"
                c="var(--mantine-color-error)"
                leftSection={<Ban size={16} />}
                onClick={open}
              >
                Revoke
              </Button>
            )}
          >
            Its flows are cut at once and its key never works again. This cannot be undone; where it is the
            only Connector, nothing of this Remote Network can be reached.
          </Confirm>
        </>
      )}
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
        {state === 'revoked' || !enrolled
          ? 'It is gone from all lists. Its past activity stays.'
          : 'It is revoked by this: its flows are cut at once and its key never works again. Its past activity stays.'}
      </Confirm>
    </>
  );
}
