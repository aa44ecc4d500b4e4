/** A question before something that cannot be undone: says what will happen, in the words of the button. */
import { Button, Group, Modal, Stack, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import type { ReactNode } from 'react';

/**
 * @param verb of the button: "Revoke".
 * @param run what to do; the question closes once it is done.
 */
export function Confirm({
  title,
  verb,
  children,
  run,
  opener,
  danger = true,
}: {
  title: string;
  verb: string;
  children: ReactNode;
  run: () => Promise<unknown>;
  opener: (open: () => void) => ReactNode;
  danger?: boolean;
}) {
  const [opened, { open, close }] = useDisclosure(false);
  const [running, { open: start, close: end }] = useDisclosure(false);
  const go = async () => {
    start();
    try {
      await run();
      close();
    } catch {
      // Whoever gave `run` has told of the refusal.
    } finally {
      end();
    }
  };
  return (
    <>
      {opener(open)}
      <Modal opened={opened} onClose={close} title={title}>
        <Stack>
          <Text size="sm" component="div">
            {children}
          </Text>
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              Cancel
            </Button>
            <Button {...(danger && { color: 'red' })} onClick={go} loading={running} data-autofocus>
              {verb}
            </Button>
          </Group>
        </Stack>
      </Modal>
    </>
  );
}
