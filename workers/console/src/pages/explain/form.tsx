/** Whom and where: a Service Account or a person, found by name, and a destination. */
import { Button, Group, Paper, Select, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { api, take } from '../../api/client.ts';
import { useCan } from '../../api/session.ts';
import { destinationIn } from './destination.ts';

interface Search {
  principal: string | undefined;
  destination: string | undefined;
}

export function QuestionForm({
  principal,
  destination,
  onAsk,
}: Search & { onAsk: (search: Search) => void }) {
  const [who, setWho] = useState<string | null>(principal ?? null);
  const [where, setWhere] = useState(destination ?? '');
  const [tried, setTried] = useState(false);
  const [typed, setTyped] = useState('');
  const [q] = useDebouncedValue(typed, 250);
  const groups = usePrincipals(q, who);
  const wrong = tried && !destinationIn(where) ? 'Write for instance db.internal:5432' : undefined;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (who !== null && destinationIn(where)) onAsk({ principal: who, destination: where.trim() });
  };
  return (
    <Paper component="form" onSubmit={submit}>
      <Group align="flex-start" gap="sm">
        <Select
          label="Who"
          placeholder="A Service Account or a person"
          searchable
          required
          data={groups}
          value={who}
          onChange={setWho}
          onSearchChange={setTyped}
          filter={({ options }) => options}
          nothingFoundMessage="Nobody is called that"
          error={tried && who === null ? 'Choose somebody' : undefined}
          w={{ base: '100%', sm: 300 }}
        />
        <TextInput
          label="Destination"
          description="host:port, or with /udp or /icmp at its end"
          inputWrapperOrder={['label', 'input', 'description', 'error']}
          placeholder="db.internal:5432"
          required
          value={where}
          onChange={({ currentTarget }) => setWhere(currentTarget.value)}
          error={wrong}
          w={{ base: '100%', sm: 300 }}
        />
        <Button type="submit" mt={{ base: 0, sm: 25 }}>
          Explain
        </Button>
      </Group>
    </Paper>
  );
}

/** Those whose name has the text; and whoever is chosen, so that they have a name. */
function usePrincipals(typed: string, chosen: string | null) {
  const can = useCan();
  const [services, people] = [can('services:read'), can('users:read')];
  const { data } = useQuery({
    queryKey: ['principals', typed, chosen],
    queryFn: async () => {
      const named = (q: string) => ({ query: { q, limit: '20' } });
      const none = { items: [] };
      const asked = [typed, ...(chosen === null ? [] : [chosen])];
      const found = await Promise.all(
        asked.map(async (q) => ({
          services: services ? await take(api['service-accounts'].$get(named(q))) : none,
          people: people ? await take(api.users.$get(named(q))) : none,
        })),
      );
      const unique = (options: { value: string; label: string }[]) => [
        ...new Map(options.map((option) => [option.value, option])).values(),
      ];
      return [
        {
          group: 'Services',
          items: unique(
            found.flatMap(({ services }) =>
              services.items.map(({ id, name }) => ({ value: id, label: name })),
            ),
          ),
        },
        {
          group: 'People',
          items: unique(
            found.flatMap(({ people }) =>
              people.items.map(({ id, name, email, user_name }) => ({
                value: id,
                label: name === null ? (email ?? user_name) : `${name} (${email ?? user_name})`,
              })),
            ),
          ),
        },
      ].filter(({ items }) => items.length > 0);
    },
    placeholderData: keepPreviousData,
  });
  return data ?? [];
}
