/** The form that makes an API token: of each thing, whether it may be read or written. Only what one holds. */
import { Button, Checkbox, Group, SegmentedControl, SimpleGrid, Stack, Text } from '@mantine/core';
import { Plus } from 'lucide-react';
import { useState } from 'react';
import { covers, type ScopeNoun, scopeNouns } from '#schema/people/scopes.ts';
import { api, take } from '../../api/client.ts';
import { useSession } from '../../api/session.ts';
import { TokenForm } from './token-form.tsx';

type Right = 'read' | 'write';
type Scope = `${ScopeNoun}:${Right}`;
type Breadth = 'chosen' | 'reading' | 'everything';

const titles: Record<ScopeNoun, string> = {
  tenant: 'Settings',
  networks: 'Remote Networks',
  connectors: 'Connectors',
  resources: 'Resources',
  services: 'Services and keys',
  grants: 'Grants',
  users: 'People',
  groups: 'Groups',
  policies: 'Policies',
  idp: 'Identity providers',
  scim: 'SCIM tokens',
  sessions: 'Sessions',
  events: 'Recent Activity',
  probes: 'Probes',
  audit: 'Audit log',
  tokens: 'API tokens',
};

export function CreateToken() {
  const { scopes: held } = useSession();
  const [breadth, setBreadth] = useState<Breadth>('reading');
  const [chosen, setChosen] = useState<ReadonlySet<Scope>>(new Set());
  const toggle = (scope: Scope) => {
    const next = new Set(chosen);
    if (!next.delete(scope)) next.add(scope);
    setChosen(next);
  };
  const reading = scopeNouns.map((noun) => `${noun}:read` as const).filter((scope) => covers(held, scope));
  const scopes: ('*' | Scope)[] =
    breadth === 'everything' ? ['*'] : breadth === 'reading' ? reading : [...chosen];
  return (
    <TokenForm
      title="Create an API token"
      about="It can never do more than you can yourself."
      make={(values) => take(api['api-tokens'].$post({ json: { ...values, scopes } }))}
      opener={(open) => (
        <Button leftSection={<Plus size={16} />} onClick={open}>
          Create a token
        </Button>
      )}
    >
      <Stack gap="xs">
        <Text size="sm" fw={500}>
          It may
        </Text>
        <SegmentedControl
          aria-label="What the token may do"
          value={breadth}
          onChange={(value) => setBreadth(value as Breadth)}
          data={[
            { value: 'reading', label: 'read all' },
            { value: 'chosen', label: 'what I choose' },
            ...(covers(held, '*') ? [{ value: 'everything', label: 'everything' }] : []),
          ]}
        />
        {breadth === 'chosen' && (
          <SimpleGrid cols={{ base: 1, sm: 2 }} verticalSpacing="xs" mt="xs">
            {scopeNouns.map((noun) => (
              <Group key={noun} justify="space-between" wrap="nowrap" gap="xs">
                <Text size="sm">{titles[noun]}</Text>
                <Group gap="sm" wrap="nowrap">
                  {(['read', 'write'] as const).map((right) => (
                    <Checkbox
                      key={right}
                      size="xs"
                      label={right}
                      aria-label={`${right} ${titles[noun]}`}
                      disabled={!covers(held, `${noun}:${right}`)}
                      checked={chosen.has(`${noun}:${right}`)}
                      onChange={() => toggle(`${noun}:${right}`)}
                    />
                  ))}
                </Group>
              </Group>
            ))}
          </SimpleGrid>
        )}
      </Stack>
    </TokenForm>
  );
}
