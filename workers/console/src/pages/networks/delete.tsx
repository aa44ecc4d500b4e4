/** Deletes a Remote Network once nothing is in it; until then it says what is. */
import { Button, Popover, Text } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { Trash2 } from 'lucide-react';
import { useChange } from '../../api/change.ts';
import { api, take } from '../../api/client.ts';
import { Confirm } from '../../parts/confirm.tsx';

interface Props {
  network: { id: string; name: string; connectors: number; resources: number };
}

export function DeleteNetwork({ network: { id, name, connectors, resources } }: Props) {
  const navigate = useNavigate();
  const remove = useChange(() => take(api['remote-networks'][':id'].$delete({ param: { id } })), {
    done: `Remote Network ${name} deleted`,
    after: () => navigate({ to: '/networks' }),
  });
  if (connectors + resources > 0) {
    return (
      <Popover width={280} position="bottom-end" withArrow>
        <Popover.Target>
          <Button variant="default" c="var(--mantine-color-error)" leftSection={<Trash2 size={16} />}>
            Delete
          </Button>
        </Popover.Target>
        <Popover.Dropdown>
          <Text size="sm">
            {name} is in use: {count(connectors, 'Connector')} and {count(resources, 'Resource')} are in it.
            Delete those first, or move the Resources to another Remote Network.
          </Text>
        </Popover.Dropdown>
      </Popover>
    );
  }
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
      The Remote Network is empty. Nobody loses access by this.
    </Confirm>
  );
}

const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? '' : 's'}`;
