/** Renames a Remote Network, or says where it is. */
import { useDisclosure } from '@mantine/hooks';
import type { ReactNode } from 'react';
import { useChange } from '../../api/change.ts';
import { api, take } from '../../api/client.ts';
import { type NetworkFields, NetworkForm } from './form.tsx';

export function EditNetwork({
  network,
  opener,
}: {
  network: NetworkFields & { id: string };
  opener: (open: () => void) => ReactNode;
}) {
  const [opened, { open, close }] = useDisclosure(false);
  const { id } = network;
  const edit = useChange(
    (json: NetworkFields) => take(api['remote-networks'][':id'].$patch({ param: { id }, json })),
    { quiet: true, done: ({ name }) => `Remote Network ${name} changed`, after: close },
  );
  return (
    <>
      {opener(open)}
      {opened && (
        <NetworkForm
          opened
          close={close}
          title="Edit the Remote Network"
          verb="Save"
          initial={network}
          change={edit}
        />
      )}
    </>
  );
}
