/** The form of a Resource, for a new one (`create.tsx`) and for changes (`edit.tsx`). */
import { Button, Group, SimpleGrid, Stack, Switch, TagsInput, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import type { UseMutationResult } from '@tanstack/react-query';
import { api, take } from '../../api/client.ts';
import { useCan } from '../../api/session.ts';
import { showFieldErrors } from '../../parts/form-errors.ts';
import { type Choice, Picker } from '../../parts/picker.tsx';
import { Refusal } from '../../parts/refusal.tsx';
import { AddressField } from './address-field.tsx';
import { type Fields, mistakes, type Written, written } from './fields.ts';
import { PortsField } from './ports-field.tsx';

interface Props {
  initial: Fields;
  verb: string;
  close: () => void;
  change: Pick<UseMutationResult<unknown, Error, Written>, 'mutate' | 'error' | 'isPending'>;
  id?: string;
  network?: Choice | undefined;
  policy?: Choice | undefined;
}

export function ResourceForm({ initial, verb, close, change, id, network, policy }: Props) {
  const mayReadPolicies = useCan()('policies:read');
  const form = useForm<Fields>({ initialValues: initial, validate: mistakes });
  const { values } = form;
  const shownInFields = change.error !== null && Object.keys(form.errors).length > 0;
  return (
    <form
      noValidate
      onSubmit={form.onSubmit((values) =>
        change.mutate(written(values), { onError: (error) => void showFieldErrors(error, form.setErrors) }),
      )}
    >
      <Stack>
        <TextInput
          label="Name"
          placeholder="Orders database"
          data-autofocus
          required
          maxLength={100}
          {...form.getInputProps('name')}
        />
        <Picker
          label="Remote Network"
          placeholder="Where it is"
          required
          asked={['remote-networks']}
          ask={askNetworks}
          chosen={network}
          value={values.remote_network_id}
          onChange={(id) => form.setFieldValue('remote_network_id', id)}
          error={form.errors['remote_network_id']}
        />
        <AddressField form={form} id={id} />
        <SimpleGrid cols={{ base: 1, xs: 2 }}>
          <PortsField label="TCP ports" {...form.getInputProps('tcp')} value={values.tcp} />
          <PortsField label="UDP ports" {...form.getInputProps('udp')} value={values.udp} />
        </SimpleGrid>
        <Switch label="Answers ping (ICMP echo)" {...form.getInputProps('icmp', { type: 'checkbox' })} />
        <TextInput
          label="Alias"
          description="A second name for one host: Clients ask for it, the Connector goes to the address."
          placeholder="orders.acme.internal"
          maxLength={260}
          autoComplete="off"
          {...form.getInputProps('alias')}
        />
        <TagsInput
          label="Tags"
          description="For people, to find and to group: name=value, then Enter."
          placeholder={values.tags.length === 0 ? 'env=prod' : ''}
          maxTags={32}
          {...form.getInputProps('tags')}
        />
        {mayReadPolicies && (
          <Picker
            label="Security Policy"
            description="What people must show to reach it; Services are never asked."
            placeholder="The default policy"
            clearable
            asked={['policies']}
            ask={askPolicies}
            chosen={policy}
            value={values.policy_id}
            onChange={(id) => form.setFieldValue('policy_id', id)}
            error={form.errors['policy_id']}
          />
        )}
        {!shownInFields && <Refusal error={change.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>
            Cancel
          </Button>
          <Button type="submit" loading={change.isPending}>
            {verb}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

const choices = ({ items }: { items: { id: string; name: string }[] }): Choice[] =>
  items.map(({ id, name }) => ({ value: id, label: name }));
const askNetworks = async (q: string | undefined) =>
  choices(await take(api['remote-networks'].$get({ query: { q, limit: '20' } })));
const askPolicies = async (q: string | undefined) =>
  choices(await take(api.policies.$get({ query: { q, limit: '20' } })));
