/**
 * A new enrolment token for a Connector: the first one was lost or ran out, or its key is to be replaced. It is
 * shown in the texts that use it, and gone when they close.
 */
import { Button, Group, Modal, Stack, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import type { ReactNode } from 'react';
import { useState } from 'react';
import { useChange } from '../../api/change.ts';
import { api, take } from '../../api/client.ts';
import { EnrolmentTexts } from './enrolment.tsx';

interface Props {
  id: string;
  name: string;
  enrolled: boolean;
  opener: (open: () => void) => ReactNode;
}

const rotate = (id: string) => take(api.connectors[':id'].rotate.$post({ param: { id } }));

export function RotateConnector({ id, name, enrolled, opener }: Props) {
  const [opened, { open, close }] = useDisclosure(false);
  const [made, setMade] = useState<Awaited<ReturnType<typeof rotate>>>();
  const make = useChange(() => rotate(id), { after: setMade });
  const end = () => {
    setMade(undefined);
    close();
  };
  return (
    <>
      {opener(open)}
      <Modal
        opened={opened}
        onClose={end}
        closeOnClickOutside={!made}
        title={enrolled ? `Replace the key of ${name}` : `A new token for ${name}`}
        size={made ? 'xl' : 'md'}
      >
        <Stack>
          <Text size="sm">
            {enrolled
              ? 'It goes on with its present key until the new token is used. Then stop it, remove its volume, state directory or secret, and start it as shown: it makes a new key.'
              : 'Tokens that were made before and are not used stop working.'}
          </Text>
          {made ? (
            <EnrolmentTexts name={name} token={made.enrolment_token} expiresAt={made.enrolment_expires_at} />
          ) : null}
          <Group justify="flex-end">
            <Button variant="default" onClick={end}>
              {made ? 'Done' : 'Cancel'}
            </Button>
            {!made && (
              <Button onClick={() => make.mutate()} loading={make.isPending} data-autofocus>
                Make a token
              </Button>
            )}
          </Group>
        </Stack>
      </Modal>
    </>
  );
}
