/** Changes a Resource; only what differs is sent, so that the audit log says what was changed. */
import { Modal } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import type { ReactNode } from 'react';
import { useChange } from '../../api/change.ts';
import { api, take } from '../../api/client.ts';
import type { Choice } from '../../parts/picker.tsx';
import { fieldsOf, type Written } from './fields.ts';
import { ResourceForm } from './form.tsx';

interface Props {
  resource: Written & { id: string };
  network: Choice | undefined;
  policy: Choice | undefined;
  opener: (open: () => void) => ReactNode;
}

export function EditResource({ resource, network, policy, opener }: Props) {
  const [opened, { open, close }] = useDisclosure(false);
  const { id } = resource;
  const edit = useChange(
    async (written: Written) => {
      const json = changes(resource, written);
      if (Object.keys(json).length > 0) await take(api.resources[':id'].$patch({ param: { id }, json }));
    },
    { quiet: true, done: 'Resource changed', after: close },
  );
  return (
    <>
      {opener(open)}
      <Modal opened={opened} onClose={close} title="Edit the Resource" size="lg">
        <ResourceForm
          initial={fieldsOf(resource)}
          verb="Save"
          close={close}
          change={edit}
          id={id}
          network={network}
          policy={policy}
        />
      </Modal>
    </>
  );
}

function changes(before: Written, after: Written): Partial<Written> {
  const fields = Object.entries(after) as [keyof Written, unknown][];
  return Object.fromEntries(
    fields.filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(before[name])),
  );
}
