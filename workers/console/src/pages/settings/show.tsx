/** What the Tenant sets for itself: its name, how long Connectors go on alone, how long events are kept. */
import { Button, Group, NumberInput, Paper, Stack, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useQuery } from '@tanstack/react-query';
import { useChange } from '../../api/change.ts';
import { api, take } from '../../api/client.ts';
import { useCan } from '../../api/session.ts';
import { Copied } from '../../parts/code-block.tsx';
import { Facts } from '../../parts/facts.tsx';
import { showFieldErrors } from '../../parts/form-errors.ts';
import { Page } from '../../parts/page.tsx';
import { Refusal } from '../../parts/refusal.tsx';
import { Time } from '../../parts/time.tsx';

const ask = () => take(api.tenant.$get());
type Tenant = Awaited<ReturnType<typeof ask>>;

export default function SettingsPage() {
  const { data, error } = useQuery({ queryKey: ['tenant'], queryFn: ask });
  return (
    <Page title="Settings" about="What counts for the whole of your organisation.">
      <Refusal error={error} />
      {data && (
        <>
          <Facts
            of={[
              ['Where agents and people find it', <Copied key="url" text={data.url} label="the address" />],
              ['Host name of its own', data.hostname ?? 'none: the deployment’s operator sets it'],
              ['Since', <Time key="since" at={data.created_at} />],
            ]}
          />
          <SettingsForm tenant={data} />
        </>
      )}
    </Page>
  );
}

function SettingsForm({ tenant }: { tenant: Tenant }) {
  const mayWrite = useCan()('tenant:write');
  const form = useForm({
    initialValues: {
      name: tenant.name,
      staleness_budget_seconds: tenant.staleness_budget_seconds,
      event_retention_days: tenant.event_retention_days,
    },
  });
  const save = useChange((json: typeof form.values) => take(api.tenant.$patch({ json })), {
    quiet: true,
    done: 'Settings saved',
    after: (_, saved) => form.resetDirty(saved),
  });
  const inFields = save.error !== null && Object.keys(form.errors).length > 0;
  return (
    <Paper maw="40rem">
      <form
        onSubmit={form.onSubmit((values) =>
          save.mutate(values, { onError: (error) => void showFieldErrors(error, form.setErrors) }),
        )}
      >
        <Stack>
          <TextInput
            label="Name"
            required
            maxLength={128}
            disabled={!mayWrite}
            {...form.getInputProps('name')}
          />
          <NumberInput
            label="How long Connectors go on without the Controller"
            description="Seconds, at most a day. Afterwards they let nothing in; 0: not at all. A revocation cannot reach a Connector that is cut off, so a shorter time is a stricter one"
            required
            min={0}
            max={86_400}
            allowDecimal={false}
            disabled={!mayWrite}
            {...form.getInputProps('staleness_budget_seconds')}
          />
          <NumberInput
            label="How long Recent Activity is kept"
            description="Days. Older events are deleted for good"
            required
            min={1}
            max={3650}
            allowDecimal={false}
            disabled={!mayWrite}
            {...form.getInputProps('event_retention_days')}
          />
          {!inFields && <Refusal error={save.error} />}
          {mayWrite && (
            <Group justify="flex-end">
              <Button type="submit" loading={save.isPending} disabled={!form.isDirty()}>
                Save
              </Button>
            </Group>
          )}
        </Stack>
      </form>
    </Paper>
  );
}
