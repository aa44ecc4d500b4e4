/** The form that makes a Remote Network; it opens the network's page, where a Connector is added next. */
import { useDisclosure } from '@mantine/hooks';
import { useNavigate } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useChange } from '../../api/change.ts';
import { api, take } from '../../api/client.ts';
import { type NetworkFields, NetworkForm } from './form.tsx';

export function CreateNetwork({ opener }: { opener: (open: () => void) => ReactNode }) {
  const [opened, { open, close }] = useDisclosure(false);
  const navigate = useNavigate();
  const create = useChange((json: NetworkFields) => take(api['remote-networks'].$post({ json })), {
    quiet: true,
    done: ({ name }) => `Remote Network ${name} created`,
    after: ({ id }) => navigate({ to: '/networks/$id', params: { id } }),
  });
  return (
    <>
      {opener(open)}
      <NetworkForm
        opened={opened}
        close={close}
        title="Create a Remote Network"
        verb="Create"
        initial={{ name: '', location: null }}
        change={create}
      />
    </>
  );
}
