/** Each rule of a policy as a field that says what it asks for, and what it means to leave it empty. */
import { MultiSelect, Paper, Select, Stack, TagsInput, TextInput, Title } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import { sayLength } from './say-rules.ts';
import type { PolicyValues } from './show.tsx';

const lengths = [900, 3600, 14_400, 28_800, 43_200, 86_400, 604_800, 2_592_000];
const choices = (now: number | null) =>
  [...new Set([...lengths, ...(now === null ? [] : [now])])]
    .sort((a, b) => a - b)
    .map((seconds) => ({ value: String(seconds), label: sayLength(seconds) }));

export function RuleFields({ form }: { form: UseFormReturnType<PolicyValues> }) {
  const { rules } = form.values;
  return (
    <>
      <Paper>
        <TextInput
          label="Name"
          description="A denial names it: “denied by the policy …”"
          required
          maxLength={128}
          {...form.getInputProps('name')}
        />
      </Paper>
      <Paper>
        <Stack>
          <Title order={2}>How fresh</Title>
          <Select
            label="A login on a device lasts"
            description="Afterwards the person logs in again, however much they used it"
            data={choices(rules.session_seconds)}
            allowDeselect={false}
            value={String(rules.session_seconds)}
            onChange={(value) => form.setFieldValue('rules.session_seconds', Number(value))}
            error={form.errors['rules.session_seconds']}
          />
          <Select
            label="Proved to the identity provider within"
            description="Somebody whom the provider merely remembers must show again who they are; empty: not asked for"
            placeholder="not asked for"
            clearable
            data={choices(rules.reauthenticate_seconds)}
            value={rules.reauthenticate_seconds === null ? null : String(rules.reauthenticate_seconds)}
            onChange={(value) =>
              form.setFieldValue('rules.reauthenticate_seconds', value === null ? null : Number(value))
            }
            error={form.errors['rules.reauthenticate_seconds']}
          />
        </Stack>
      </Paper>
      <Paper>
        <Stack>
          <Title order={2}>How proved</Title>
          <TagsInput
            label="Authentication context (acr)"
            description="Any of these, by your provider’s own names; it is asked for them at the login. Empty: not asked for"
            placeholder={rules.acr.length === 0 ? 'mfa' : undefined}
            {...form.getInputProps('rules.acr')}
          />
          <TagsInput
            label="Methods (amr)"
            description="Any of these among what the person did, such as otp, hwk or mfa. Empty: not asked for"
            placeholder={rules.amr.length === 0 ? 'otp, hwk' : undefined}
            data={['mfa', 'otp', 'hwk', 'swk', 'fpt', 'pwd', 'sms']}
            {...form.getInputProps('rules.amr')}
          />
          <TagsInput
            label="Groups at the identity provider"
            description="In any of these, by its own names; these are not the groups of this console. Empty: not asked for"
            {...form.getInputProps('rules.idp_groups')}
          />
        </Stack>
      </Paper>
      <Paper>
        <Stack>
          <Title order={2}>From where, with what</Title>
          <TagsInput
            label="Source networks"
            description="The device’s address, as the Controller sees it, is in one of these. Empty: from anywhere"
            placeholder={rules.networks.length === 0 ? '203.0.113.0/24' : undefined}
            {...form.getInputProps('rules.networks')}
          />
          <TextInput
            label="Oldest version of the Client"
            description="Older ones are refused, with a hint to update. Empty: any"
            placeholder="1.4.0"
            value={rules.min_version ?? ''}
            onChange={({ currentTarget: { value } }) =>
              form.setFieldValue('rules.min_version', value.trim() || null)
            }
            error={form.errors['rules.min_version']}
          />
          <MultiSelect
            label="Systems"
            description="The device runs one of these. Empty: any"
            placeholder={rules.platforms.length === 0 ? 'any' : undefined}
            data={[
              { value: 'linux', label: 'Linux' },
              { value: 'darwin', label: 'macOS' },
              { value: 'windows', label: 'Windows' },
            ]}
            {...form.getInputProps('rules.platforms')}
          />
        </Stack>
      </Paper>
    </>
  );
}
