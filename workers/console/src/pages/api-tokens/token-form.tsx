/**
 * Makes a token and shows it this once: it lives in the state of this form and is gone when it closes. For
 * API tokens, which have scopes, and for those of SCIM, which have none.
 */
import { Alert, Button, Group, Modal, Select, Stack, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useDisclosure } from '@mantine/hooks';
import { type ReactNode, useState } from 'react';
import { useChange } from '../../api/change.ts';
import { CodeBlock } from '../../parts/code-block.tsx';
import { showFieldErrors } from '../../parts/form-errors.ts';
import { Refusal } from '../../parts/refusal.tsx';

interface Made {
  name: string;
  token: string;
  base_url?: string;
}
export interface TokenValues {
  name: string;
  expires_in_days: number | null;
}

const lives = [
  { value: '30', label: '30 days' },
  { value: '90', label: '90 days' },
  { value: '365', label: 'a year' },
  { value: '', label: 'unlimited' },
];

export function TokenForm({
  title,
  about,
  make,
  opener,
  children,
}: {
  title: string;
  about: string;
  make: (values: TokenValues) => Promise<Made>;
  opener: (open: () => void) => ReactNode;
  /** Further fields, which `make` knows of. */
  children?: ReactNode;
}) {
  const [opened, { open, close }] = useDisclosure(false);
  const [made, setMade] = useState<Made>();
  const form = useForm({ initialValues: { name: '', life: '365' } });
  const create = useChange(
    ({ name, life }: { name: string; life: string }) =>
      make({ name, expires_in_days: life === '' ? null : Number(life) }),
    { quiet: true },
  );
  const submit = (values: { name: string; life: string }) =>
    create.mutate(values, {
      // Not kept with the request: nobody finds it there later.
      onSuccess: (answer) => {
        setMade(answer);
        create.reset();
      },
      onError: (error) => void showFieldErrors(error, form.setErrors),
    });
  const hide = () => {
    setMade(undefined);
    form.reset();
    create.reset();
    close();
  };
  const inFields = create.error !== null && Object.keys(form.errors).length > 0;
  return (
    <>
      {opener(open)}
      <Modal
        opened={opened}
        onClose={hide}
        title={made ? `${made.name} was created` : title}
        size="lg"
        closeOnClickOutside={!made}
      >
        {made ? (
          <Stack>
            <Alert color="yellow" title="Shown this once">
              Copy it now: nobody can read it again, not even an owner.
            </Alert>
            <CodeBlock label="the token">{made.token}</CodeBlock>
            {made.base_url !== undefined && <CodeBlock label="the base URL">{made.base_url}</CodeBlock>}
            <Group justify="flex-end">
              <Button onClick={hide}>I have it</Button>
            </Group>
          </Stack>
        ) : (
          <form onSubmit={form.onSubmit(submit)}>
            <Stack>
              <Text size="sm" c="dimmed">
                {about}
              </Text>
              <TextInput
                label="Name"
                required
                maxLength={128}
                data-autofocus
                {...form.getInputProps('name')}
              />
              <Select label="Lives for" data={lives} allowDeselect={false} {...form.getInputProps('life')} />
              {children}
              {!inFields && <Refusal error={create.error} />}
              <Group justify="flex-end">
                <Button variant="default" onClick={hide}>
                  Cancel
                </Button>
                <Button type="submit" loading={create.isPending}>
                  Create
                </Button>
              </Group>
            </Stack>
          </form>
        )}
      </Modal>
    </>
  );
}
