/** One Remote Network: what it is, its Connectors as they stand now, its Resources. */
import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { Pencil, Plus } from 'lucide-react';
import { api, take } from '../../api/client.ts';
import { useCan } from '../../api/session.ts';
import { Copied } from '../../parts/code-block.tsx';
import { Facts } from '../../parts/facts.tsx';
import { Page } from '../../parts/page.tsx';
import { Refusal } from '../../parts/refusal.tsx';
import { Section } from '../../parts/section.tsx';
import { Time } from '../../parts/time.tsx';
import { CreateResource } from '../resources/create.tsx';
import { ConnectorsOf } from './connectors.tsx';
import { DeleteNetwork } from './delete.tsx';
import { EditNetwork } from './edit.tsx';
import { ResourcesOf } from './resources.tsx';

const route = getRouteApi('/networks/$id');
const up = { title: 'Remote Networks', to: '/networks' } as const;

export default function NetworkPage() {
  const { id } = route.useParams();
  const can = useCan();
  const { data, error, refetch } = useQuery({
    queryKey: ['remote-network', id],
    queryFn: () => take(api['remote-networks'][':id'].$get({ param: { id } })),
  });
  if (!data) {
    return (
      <Page title="Remote Network" up={up}>
        <Refusal error={error} retry={() => void refetch()} />
      </Page>
    );
  }
  const addConnector = can('connectors:write') && (
    <Button
      component={Link}
      {...({ to: '/networks/$id/add-connector', params: { id } } as object)}
      leftSection={<Plus size={16} />}
    >
      Add a Connector
    </Button>
  );
  const createResource = can('resources:write') && (
    <CreateResource
      network={id}
      opener={(open) => (
        <Button variant="default" leftSection={<Plus size={16} />} onClick={open}>
          Create a Resource
        </Button>
      )}
    />
  );
  return (
    <Page
      title={data.name}
      up={up}
      actions={
        can('networks:write') && (
          <>
            <EditNetwork
              network={data}
              opener={(open) => (
                <Button variant="default" leftSection={<Pencil size={16} />} onClick={open}>
                  Edit
                </Button>
              )}
            />
            <DeleteNetwork network={data} />
          </>
        )
      }
    >
      <Facts
        of={[
          ['Location', data.location || '–'],
          ['Created', <Time key="created" at={data.created_at} />],
          ['ID', <Copied key="id" text={data.id} label="ID" />],
        ]}
      />
      <Section
        title="Connectors"
        about="Two or more share the load, and stand in for each other."
        actions={addConnector}
      >
        <ConnectorsOf network={id} add={addConnector} />
      </Section>
      <Section
        title="Resources"
        about="What can be reached here, once it is granted."
        actions={createResource}
      >
        <ResourcesOf network={id} create={createResource} />
      </Section>
    </Page>
  );
}
