/** What can be done with one Service Key: exactly what its state allows, as the Controller says. */
import { Button, Group } from '@mantine/core';
import { useChange } from '../../api/change.ts';
import { api, take } from '../../api/client.ts';
import { Confirm } from '../../parts/confirm.tsx';
import type { Key } from './keys.tsx';
import { RenameKey } from './rename-key.tsx';

export function KeyActions({ of: key }: { of: Key }) {
  const { id, name, allowed, live_instances: live } = key;
  const param = { id };
  const revoke = useChange(() => take(api['service-keys'][':id'].revoke.$post({ param })), {
    done: ({ receipt }) => sayRevoked(name, receipt),
  });
  const remove = useChange(() => take(api['service-keys'][':id'].$delete({ param })), {
    done: `Key ${name} deleted`,
  });
  return (
    <Group gap={6} wrap="nowrap">
      {allowed.includes('rename') && (
        <RenameKey
          of={key}
          opener={(open) => (
            <Button size="compact-sm" variant="default" onClick={open} aria-label={`Rename ${name}`}>
              Rename
            </Button>
          )}
        />
      )}
      {allowed.includes('revoke') && (
        <Confirm
          title={`Revoke ${name}`}
          verb="Revoke"
          run={revoke.mutateAsync}
          opener={(open) => <Danger verb="Revoke" name={name} onClick={open} />}
        >
          {live === 0
            ? 'No Client runs on it now. '
            : `${sayClients(live)} and all their flows are cut at once. `}
          A revoked key cannot be made active again.
        </Confirm>
      )}
      {allowed.includes('delete') && (
        <Confirm
          title={`Delete ${name}`}
          verb="Delete"
          run={remove.mutateAsync}
          opener={(open) => <Danger verb="Delete" name={name} onClick={open} />}
        >
          It is gone for good from this list. What was done with it stays in Recent Activity and in the audit
          log.
        </Confirm>
      )}
    </Group>
  );
}

const Danger = ({ verb, name, onClick }: { verb: string; name: string; onClick: () => void }) => (
  <Button
    size="compact-sm"
    variant="default"
    c="var(--mantine-color-error)"
    onClick={onClick}
    aria-label={`${verb} ${name}`}
  >
    {verb}
  </Button>
);

const sayClients = (live: number) =>
  live === 1 ? 'The Client that runs on it' : `The ${live} Clients that run on it`;

function sayRevoked(name: string, { complete, flows_cut }: { complete: boolean; flows_cut: number }): string {
  const cut = `${flows_cut} ${flows_cut === 1 ? 'flow' : 'flows'} cut`;
  const who = complete
    ? 'all Connectors and relays confirmed'
    : 'not every Connector and relay has confirmed';
  return `Key ${name} revoked: ${cut}, ${who}`;
}
