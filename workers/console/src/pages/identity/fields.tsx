/** What is asked about an identity provider, with the help of presets: at the first run and later. */
import { Alert, PasswordInput, Select, Stack, Switch, TagsInput, Text, TextInput } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import { type Preset, presetFacts, presets } from '#schema/people/presets.ts';
import { Copied } from '../../parts/code-block.tsx';

export interface ProviderValues {
  preset: Preset;
  name: string;
  issuer: string;
  client_id: string;
  /** Empty: none, or the one that is there. */
  client_secret: string;
  allowed_domains: string[];
  creates_users: boolean;
}

export const emptyProvider: ProviderValues = {
  preset: 'oidc',
  name: presetFacts.oidc.title,
  issuer: '',
  client_id: '',
  client_secret: '',
  allowed_domains: [],
  creates_users: true,
};

export const providerBody = ({ client_secret: secret, ...values }: ProviderValues) => ({
  ...values,
  client_secret: secret === '' ? null : secret,
});

interface Props {
  // biome-ignore lint/suspicious/noExplicitAny: a form that has these fields, whatever else it has
  form: UseFormReturnType<any>;
  redirectUri: string;
  /** Its issuer stays, and a secret that is there is kept while nothing is typed. */
  existing?: { hasSecret: boolean };
}

export function ProviderFields({ form, redirectUri, existing }: Props) {
  const preset = form.values.preset as Preset;
  const facts = presetFacts[preset];
  const choose = (next: Preset) => {
    const before = presetFacts[preset];
    form.setFieldValue('preset', next);
    if (form.values.name === '' || form.values.name === before.title)
      form.setFieldValue('name', presetFacts[next].title);
    if (form.values.issuer === '' || form.values.issuer === before.issuer)
      form.setFieldValue('issuer', /[{]/.test(presetFacts[next].issuer) ? '' : presetFacts[next].issuer);
  };
  return (
    <Stack>
      {!existing && (
        <Select
          label="Identity provider"
          data={presets.map((value) => ({ value, label: presetFacts[value].title }))}
          allowDeselect={false}
          value={preset}
          onChange={(value) => value && choose(value as Preset)}
        />
      )}
      <Alert color="gray" variant="light">
        <Text size="sm">{facts.hint}</Text>
        <Text size="sm" mt="xs">
          Redirect URI to register there:
        </Text>
        <Copied text={redirectUri} label="the redirect URI" />
      </Alert>
      <TextInput label="Name" description="On the login page" required {...form.getInputProps('name')} />
      <TextInput
        label="Issuer"
        description={existing ? 'Another issuer is another provider: add it instead' : undefined}
        placeholder={facts.issuer}
        disabled={existing !== undefined}
        required={!existing}
        {...form.getInputProps('issuer')}
      />
      <TextInput label="Client ID" required autoComplete="off" {...form.getInputProps('client_id')} />
      <PasswordInput
        label="Client secret"
        description={
          existing?.hasSecret
            ? 'One is kept, sealed; it is never shown. Type another to replace it.'
            : 'Kept sealed and never shown again; empty for a public client'
        }
        autoComplete="off"
        {...form.getInputProps('client_secret')}
      />
      <TagsInput
        label="Allowed e-mail domains"
        description="Nobody else gets in; none: any that the provider vouches for"
        placeholder={form.values.allowed_domains.length === 0 ? 'acme.example' : undefined}
        {...form.getInputProps('allowed_domains')}
      />
      <Switch
        label="Whoever logs in for the first time becomes a user"
        description="Off: only people whom SCIM or an administrator has added"
        {...form.getInputProps('creates_users', { type: 'checkbox' })}
      />
    </Stack>
  );
}
