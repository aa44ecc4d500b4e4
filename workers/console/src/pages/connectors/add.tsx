/**
 * The guide to a new Connector, in three steps: its name; the text that starts it, with a token that only this
 * page knows; and its arrival, which the page waits for by itself.
 */
import { Alert, Button, Group, List, Paper, Stack, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { CircleCheck, Hourglass } from 'lucide-react';
import { useState } from 'react';
import { useChange } from '../../api/change.ts';
import { api, take } from '../../api/client.ts';
import { useCan } from '../../api/session.ts';
import { ConnectorBadge, connectorWords, sentence } from '../../parts/connector-state.tsx';
import { showFieldErrors } from '../../parts/form-errors.ts';
import { Page } from '../../parts/page.tsx';
import { Refusal } from '../../parts/refusal.tsx';
import { CreateResource } from '../resources/create.tsx';
import { EnrolmentTexts } from './enrolment.tsx';

const route = getRouteApi('/networks/$id/add-connector');
const askEveryMs = 2_000;
const create = (json: { name: string; remote_network_id: string }) => take(api.connectors.$post({ json }));
type Created = Awaited<ReturnType<typeof create>>;

export default function AddConnector() {
  const { id } = route.useParams();
  const [made, setMade] = useState<Created>();
  const network = useQuery({
    queryKey: ['remote-network', id],
    queryFn: () => take(api['remote-networks'][':id'].$get({ param: { id } })),
  });
  const place = network.data?.name;
  return (
    <Page
      title={place ? `Add a Connector to ${place}` : 'Add a Connector'}
      about="A Connector runs where the Resources are, and dials out: no port has to be opened for it."
      up={{ title: place ?? 'Remote Network', to: `/networks/${id}` as '/networks' }}
    >
      <Refusal error={network.error} />
      {network.data &&
        (made ? (
          <Arrival made={made} network={id} />
        ) : (
          <Naming
            network={id}
            suggestion={`${network.data.name}-${network.data.connectors + 1}`}
            made={setMade}
          />
        ))}
    </Page>
  );
}

function Naming({
  network,
  suggestion,
  made,
}: {
  network: string;
  suggestion: string;
  made: (connector: Created) => void;
}) {
  const form = useForm({ initialValues: { name: suggestion } });
  const make = useChange(create, { quiet: true, after: made });
  const shownInFields = make.error !== null && Object.keys(form.errors).length > 0;
  return (
    <Paper maw={560}>
      <form
        onSubmit={form.onSubmit(({ name }) =>
          make.mutate(
            { name, remote_network_id: network },
            { onError: (error) => void showFieldErrors(error, form.setErrors) },
          ),
        )}
      >
        <Stack>
          <TextInput
            label="Name"
            description="For people; it can be changed later."
            required
            maxLength={100}
            data-autofocus
            {...form.getInputProps('name')}
          />
          {!shownInFields && <Refusal error={make.error} />}
          <Group>
            <Button type="submit" loading={make.isPending}>
              Show how to start it
            </Button>
          </Group>
        </Stack>
      </form>
    </Paper>
  );
}

function Arrival({ made, network }: { made: Created; network: string }) {
  const { id } = made;
  const { data: now = made, error } = useQuery({
    queryKey: ['connector', id],
    queryFn: () => take(api.connectors[':id'].$get({ param: { id } })),
    refetchInterval: ({ state }) => (state.data?.state === 'alive' ? false : askEveryMs),
  });
  if (now.state === 'alive') return <Arrived connector={now} network={network} />;
  return (
    <Stack>
      <Paper role="status">
        <Group gap="sm" wrap="nowrap" align="flex-start">
          <Hourglass size={20} aria-hidden />
          <Stack gap={2}>
            <Group gap="xs">
              <Text fw={600}>
                {now.state === 'not_enrolled' ? `Waiting for ${made.name} …` : `${made.name} was here`}
              </Text>
              {now.state !== 'not_enrolled' && <ConnectorBadge state={now.state} />}
            </Group>
            <Text size="sm" c="dimmed">
              {now.state === 'not_enrolled'
                ? 'Run one of these where the Resources are. This page notices by itself.'
                : `${sentence(now.state_reason)}. ${connectorWords[now.state].remedy ?? ''}`}
            </Text>
          </Stack>
        </Group>
      </Paper>
      <Refusal error={error} />
      {now.state === 'not_enrolled' && (
        <EnrolmentTexts name={made.name} token={made.enrolment_token} expiresAt={made.enrolment_expires_at} />
      )}
    </Stack>
  );
}

function Arrived({
  connector,
  network,
}: {
  connector: Pick<Created, 'id' | 'name' | 'version' | 'hostname' | 'state_reason'>;
  network: string;
}) {
  const mayCreate = useCan()('resources:write');
  const { id, name, version, hostname, state_reason: reason } = connector;
  return (
    <Stack>
      <Alert
        color="teal"
        icon={<CircleCheck size={20} aria-hidden />}
        title={`${name} is connected`}
        role="status"
      >
        <Text size="sm">
          Version {version ?? 'unknown'}
          {hostname && ` on ${hostname}`}, {reason}. Its token is used up.
        </Text>
      </Alert>
      <Paper>
        <Stack>
          <Text fw={600}>What is next</Text>
          <List size="sm" spacing="xs">
            <List.Item>Create a Resource for what is to be reached here, and grant it.</List.Item>
            <List.Item>Add a second Connector on another host, so that one of them may fail.</List.Item>
          </List>
          <Group gap="xs">
            {mayCreate && (
              <CreateResource
                network={network}
                opener={(open) => <Button onClick={open}>Create a Resource</Button>}
              />
            )}
            <Button
              variant="default"
              component={Link}
              {...({ to: '/connectors/$id', params: { id } } as object)}
            >
              Open {name}
            </Button>
          </Group>
        </Stack>
      </Paper>
    </Stack>
  );
}
