/** The form that makes a Resource; it opens the Resource's page, where it is granted. */
import { Modal } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useChange } from '../../api/change.ts';
import { api, take } from '../../api/client.ts';
import { blank, type Written } from './fields.ts';
import { ResourceForm } from './form.tsx';

interface Props {
  opener: (open: () => void) => ReactNode;
  /** Where it is to be, unless somebody picks another. */
  network?: string;
}

export function CreateResource({ opener, network }: Props) {
  const [opened, { open, close }] = useDisclosure(false);
  const navigate = useNavigate();
  const create = useChange((json: Written) => take(api.resources.$post({ json })), {
    quiet: true,
    done: ({ name }) => `Resource ${name} created`,
    after: ({ id }) => navigate({ to: '/resources/$id', params: { id } }),
  });
  const place = useQuery({
    queryKey: ['remote-network', network],
    queryFn: () => take(api['remote-networks'][':id'].$get({ param: { id: network! } })),
    enabled: opened && network !== undefined,
  });
  const chosen = place.data && { value: place.data.id, label: place.data.name };
  return (
    <>
      {opener(open)}
      <Modal opened={opened} onClose={close} title="Create a Resource" size="lg">
        {(network === undefined || chosen) && (
          <ResourceForm
            initial={blank(network)}
            verb="Create"
            close={close}
            change={create}
            network={chosen}
          />
        )}
      </Modal>
    </>
  );
}
