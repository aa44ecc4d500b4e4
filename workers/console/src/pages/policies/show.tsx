/** One Security Policy, or a new one: each rule with what it means; what is left empty is not asked for. */
import { Alert, Badge, Button, Group, Stack } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { openRules, type PolicyRules } from '#schema/policy/rules.ts';
import { useChange } from '../../api/change.ts';
import { api, take } from '../../api/client.ts';
import { useCan } from '../../api/session.ts';
import { Confirm } from '../../parts/confirm.tsx';
import { showFieldErrors } from '../../parts/form-errors.ts';
import { Page } from '../../parts/page.tsx';
import { Refusal } from '../../parts/refusal.tsx';
import { RuleFields } from './rule-fields.tsx';

const route = getRouteApi('/policies/$id');
const up = { title: 'Policies', to: '/policies' } as const;

export default function PolicyPage() {
  const { id } = route.useParams();
  const { data: policy, error } = useQuery({
    queryKey: ['policies', id],
    queryFn: () => take(api.policies[':id'].$get({ param: { id } })),
    enabled: id !== 'new',
  });
  const mayWrite = useCan()('policies:write');
  if (id === 'new')
    return (
      <Page
        title="A new policy"
        up={up}
        about="Nothing changes until a Resource names it, or it is the default."
      >
        <PolicyForm key="new" />
      </Page>
    );
  if (!policy)
    return (
      <Page title="Policy" up={up}>
        <Refusal error={error} />
      </Page>
    );
  return (
    <Page
      title={policy.name}
      up={up}
      badge={policy.is_default && <Badge color="gate">default</Badge>}
      about={
        policy.is_default
          ? 'Counts for every Resource that names no other.'
          : `Counts for the ${policy.resources} Resources that name it.`
      }
      actions={mayWrite && <Actions policy={policy} />}
    >
      {policy.is_default && (
        <Alert color="gray">A change reaches everybody who is logged in on a device at once.</Alert>
      )}
      <PolicyForm key={policy.updated_at} policy={policy} />
    </Page>
  );
}

interface Policy {
  id: string;
  name: string;
  is_default: boolean;
  resources: number;
  rules: PolicyRules;
}

function Actions({ policy: { id, name, is_default } }: { policy: Policy }) {
  const navigate = useNavigate();
  const makeDefault = useChange(
    () => take(api.policies[':id'].$patch({ param: { id }, json: { is_default: true } })),
    { done: `${name} is the default now` },
  );
  const remove = useChange(() => take(api.policies[':id'].$delete({ param: { id } })), {
    done: `${name} deleted`,
    after: () => navigate({ to: '/policies' }),
  });
  return (
    <>
      {!is_default && (
        <Confirm
          title={`Make ${name} the default?`}
          verb="Make it the default"
          danger={false}
          run={() => makeDefault.mutateAsync()}
          opener={(open) => (
            <Button variant="default" onClick={open}>
              Make it the default
            </Button>
          )}
        >
          It counts at once for every Resource that names no policy of its own. Who does not satisfy it is cut
          there.
        </Confirm>
      )}
      <Confirm
        title={`Delete ${name}?`}
        verb="Delete"
        run={() => remove.mutateAsync()}
        opener={(open) => (
          <Button c="var(--mantine-color-error)" variant="default" onClick={open}>
            Delete
          </Button>
        )}
      >
        {is_default
          ? 'Without a default, a login of the last day is enough for Resources that name no policy.'
          : 'A policy that a Resource names cannot be deleted.'}
      </Confirm>
    </>
  );
}

export interface PolicyValues {
  name: string;
  rules: PolicyRules;
}

function PolicyForm({ policy }: { policy?: Policy }) {
  const navigate = useNavigate();
  const mayWrite = useCan()('policies:write');
  const form = useForm<PolicyValues>({
    initialValues: { name: policy?.name ?? '', rules: policy?.rules ?? openRules },
  });
  const save = useChange(
    (json: PolicyValues) =>
      policy
        ? take(api.policies[':id'].$patch({ param: { id: policy.id }, json }))
        : take(api.policies.$post({ json })),
    {
      quiet: true,
      done: ({ name }) => `${name} saved`,
      after: ({ id }) => (policy ? undefined : navigate({ to: '/policies/$id', params: { id } })),
    },
  );
  const inFields = save.error !== null && Object.keys(form.errors).length > 0;
  return (
    <form
      onSubmit={form.onSubmit((values) =>
        save.mutate(values, { onError: (error) => void showFieldErrors(error, form.setErrors) }),
      )}
    >
      <fieldset disabled={!mayWrite} style={{ border: 0, margin: 0, padding: 0, minWidth: 0 }}>
        <Stack maw={720}>
          <RuleFields form={form} />
          {!inFields && <Refusal error={save.error} />}
          {mayWrite && (
            <Group>
              <Button type="submit" loading={save.isPending}>
                {policy ? 'Save' : 'Create'}
              </Button>
            </Group>
          )}
        </Stack>
      </fieldset>
    </form>
  );
}
