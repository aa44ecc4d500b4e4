/** The form that grants a Resource to a Service Account, a person or a group, until a time or for good. */
import { Button, Group, Modal, SegmentedControl, Stack, Text } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useDisclosure } from '@mantine/hooks';
import type { ReactNode } from 'react';
import { useChange } from '../../api/change.ts';
import { api, take } from '../../api/client.ts';
import { now } from '../../browser/now.ts';
import { showFieldErrors } from '../../parts/form-errors.ts';
import { type Choice, Picker } from '../../parts/picker.tsx';
import { Refusal } from '../../parts/refusal.tsx';
import { type Expiry, ExpiryField, endOf, expiryMistake, never } from './expiry.tsx';

type Kind = 'service_account' | 'group' | 'user';

interface Values {
  kind: Kind;
  id: string | null;
  expiry: Expiry;
}

interface Props {
  resource: { id: string; name: string };
  opener: (open: () => void) => ReactNode;
}

export function GrantResource({ resource, opener }: Props) {
  const [opened, { open, close }] = useDisclosure(false);
  return (
    <>
      {opener(open)}
      <Modal opened={opened} onClose={close} title={`Grant ${resource.name}`}>
        <Form resource={resource} close={close} />
      </Modal>
    </>
  );
}

function Form({ resource, close }: { resource: Props['resource']; close: () => void }) {
  const form = useForm<Values>({
    initialValues: { kind: 'service_account', id: null, expiry: never },
    validate: { id: (id) => (id ? null : 'Pick somebody'), expiry: expiryMistake },
  });
  const grant = useChange(
    ({ kind, id, expiry }: Values) =>
      take(
        api.grants.$post({
          json: { resource_id: resource.id, [`${kind}_id`]: id!, expires_at: endOf(expiry, now()) },
        }),
      ),
    { quiet: true, done: `${resource.name} granted`, after: close },
  );
  const { kind, id } = form.values;
  const { label, placeholder, ask } = grantees[kind];
  const shownInFields = grant.error !== null && Object.keys(form.errors).length > 0;
  return (
    <form
      noValidate
      onSubmit={form.onSubmit((values) =>
        grant.mutate(values, { onError: (error) => void showFieldErrors(error, form.setErrors) }),
      )}
    >
      <Stack>
        <SegmentedControl
          fullWidth
          aria-label="To whom"
          value={kind}
          onChange={(kind) => form.setValues({ kind: kind as Kind, id: null })}
          data={Object.entries(grantees).map(([value, { label }]) => ({ value, label }))}
        />
        <Picker
          key={kind}
          label={label}
          placeholder={placeholder}
          required
          asked={['grantees', kind]}
          ask={ask}
          value={id}
          onChange={(id) => form.setFieldValue('id', id)}
          error={form.errors['id']}
        />
        <ExpiryField {...form.getInputProps('expiry')} value={form.values.expiry} />
        <Text size="xs" c="dimmed">
          Whoever has it already keeps one grant: it then ends as chosen here.
        </Text>
        {!shownInFields && <Refusal error={grant.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>
            Cancel
          </Button>
          <Button type="submit" loading={grant.isPending}>
            Grant
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

const limit = '20';
const grantees: Record<
  Kind,
  { label: string; placeholder: string; ask: (q: string | undefined) => Promise<Choice[]> }
> = {
  service_account: {
    label: 'Service Account',
    placeholder: 'A name',
    ask: async (q) =>
      (await take(api['service-accounts'].$get({ query: { q, limit } }))).items.map(({ id, name }) => ({
        value: id,
        label: name,
      })),
  },
  group: {
    label: 'Group',
    placeholder: 'A name',
    ask: async (q) =>
      (await take(api.groups.$get({ query: { q, limit } }))).items.map(({ id, name }) => ({
        value: id,
        label: name,
      })),
  },
  user: {
    label: 'Person',
    placeholder: 'A name or an e-mail address',
    ask: async (q) =>
      (await take(api.users.$get({ query: { q, limit } }))).items.map(({ id, name, user_name: login }) => ({
        value: id,
        label: name && name !== login ? `${name} (${login})` : login,
      })),
  },
};
