/** Where people log in, and how their accounts come here: identity providers and SCIM. */
import { Badge, Button, Group, Paper, Stack, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Fingerprint, Plus } from 'lucide-react';
import { presetFacts } from '#schema/people/presets.ts';
import { useChange } from '../../api/change.ts';
import { api, take } from '../../api/client.ts';
import { useCan } from '../../api/session.ts';
import { Copied } from '../../parts/code-block.tsx';
import { Confirm } from '../../parts/confirm.tsx';
import { Empty } from '../../parts/empty.tsx';
import { Facts } from '../../parts/facts.tsx';
import { Page } from '../../parts/page.tsx';
import { Refusal } from '../../parts/refusal.tsx';
import { Time } from '../../parts/time.tsx';
import { ProviderForm } from './form.tsx';
import { Scim } from './scim.tsx';

const ask = () => take(api['identity-providers'].$get({ query: { limit: '50' } }));
export type Provider = Awaited<ReturnType<typeof ask>>['items'][number];

export default function IdentityPage() {
  const { data, error } = useQuery({ queryKey: ['identity-providers'], queryFn: ask });
  const can = useCan();
  const add = can('idp:write') && (
    <ProviderForm
      opener={(open) => (
        <Button leftSection={<Plus size={16} />} onClick={open}>
          Add an identity provider
        </Button>
      )}
    />
  );
  return (
    <Page
      title="Identity provider"
      about="People prove who they are there, never here. What they may reach is decided here, never there."
      actions={add}
    >
      <Refusal error={error} />
      {data?.items.length === 0 && (
        <Paper>
          <Empty icon={Fingerprint} title="Nobody can log in yet" action={add}>
            Add the OpenID provider that your people have already.
          </Empty>
        </Paper>
      )}
      {data?.items.map((provider) => (
        <OneProvider key={provider.id} provider={provider} />
      ))}
      {can('scim:read') && <Scim />}
    </Page>
  );
}

function OneProvider({ provider }: { provider: Provider }) {
  const { id, name, enabled } = provider;
  const mayWrite = useCan()('idp:write');
  const setEnabled = useChange(
    (on: boolean) => take(api['identity-providers'][':id'].$patch({ param: { id }, json: { enabled: on } })),
    { done: (_, on) => `${name} ${on ? 'enabled' : 'disabled'}` },
  );
  const remove = useChange(() => take(api['identity-providers'][':id'].$delete({ param: { id } })), {
    done: `${name} removed`,
  });
  return (
    <Stack component="section" gap="sm" aria-label={name}>
      <Group justify="space-between">
        <Group gap="sm">
          <Title order={2}>{name}</Title>
          <Badge color={enabled ? 'teal' : 'gray'}>{enabled ? 'enabled' : 'disabled'}</Badge>
        </Group>
        {mayWrite && (
          <Group gap="xs">
            <ProviderForm
              provider={provider}
              opener={(open) => (
                <Button variant="default" onClick={open} aria-label={`Edit ${name}`}>
                  Edit
                </Button>
              )}
            />
            {enabled ? (
              <Confirm
                title={`Disable ${name}?`}
                verb="Disable"
                run={() => setEnabled.mutateAsync(false)}
                opener={(open) => (
                  <Button variant="default" onClick={open} aria-label={`Disable ${name}`}>
                    Disable
                  </Button>
                )}
              >
                Nobody logs in by it any more, you neither. Sessions that began by it go on until they end.
              </Confirm>
            ) : (
              <Button
                variant="default"
                onClick={() => setEnabled.mutate(true)}
                loading={setEnabled.isPending}
              >
                Enable
              </Button>
            )}
            <Confirm
              title={`Remove ${name}?`}
              verb="Remove"
              run={() => remove.mutateAsync()}
              opener={(open) => (
                <Button
                  variant="default"
                  c="var(--mantine-color-error)"
                  onClick={open}
                  aria-label={`Remove ${name}`}
                >
                  Remove
                </Button>
              )}
            >
              Nobody logs in by it any more. The people stay, and are recognised by their e-mail address when
              they come by another provider.
            </Confirm>
          </Group>
        )}
      </Group>
      <Facts
        of={[
          ['Kind', presetFacts[provider.preset].title],
          ['Issuer', provider.issuer],
          ['Client ID', provider.client_id],
          ['Client secret', provider.has_secret ? 'kept, sealed' : 'none: a public client'],
          ['Allowed domains', provider.allowed_domains.join(', ') || 'any'],
          ['New people', provider.creates_users ? 'become users by logging in' : 'must be added first'],
          ['People who have logged in by it', provider.people],
          ['Changed', <Time key="changed" at={provider.updated_at} />],
          [
            'Redirect URI to register',
            <Copied key="uri" text={provider.redirect_uri} label="the redirect URI" />,
          ],
        ]}
      />
    </Stack>
  );
}
