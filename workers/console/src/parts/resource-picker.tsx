/** A field that finds one Resource by a part of its name or address, among any number of them. */
import { Loader, Select, Text } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { api, take } from '../api/client.ts';

const ask = (q: string | undefined) => take(api.resources.$get({ query: { q, limit: 20 } }));
type Resource = Awaited<ReturnType<typeof ask>>['items'][number];

/** @param value the id of the Resource that is chosen. */
export function ResourcePicker({
  value,
  onChange,
  error,
}: {
  value: string | null;
  onChange: (id: string | null) => void;
  error?: ReactNode;
}) {
  const [text, setText] = useState('');
  const [chosen, setChosen] = useState<Resource>();
  const [settled] = useDebouncedValue(text.trim(), 250);
  // The name of what was chosen stands in the field, and is no search.
  const q = settled === '' || settled === chosen?.name ? undefined : settled;
  const found = useQuery({
    queryKey: ['resources', 'picker', q],
    queryFn: () => ask(q),
    placeholderData: keepPreviousData,
  });
  const rows = found.data?.items ?? [];
  const offered = chosen && !rows.some(({ id }) => id === chosen.id) ? [chosen, ...rows] : rows;
  const byId = new Map(offered.map((one) => [one.id, one]));
  return (
    <Select
      label="Resource"
      placeholder="Search by name or address"
      required
      searchable
      data-autofocus
      data={offered.map(({ id, name }) => ({ value: id, label: name }))}
      // The Controller has searched.
      filter={({ options }) => options}
      searchValue={text}
      onSearchChange={setText}
      value={value}
      onChange={(id) => {
        setChosen(id === null ? undefined : byId.get(id));
        onChange(id);
      }}
      renderOption={({ option }) => (
        <div style={{ minWidth: 0 }}>
          <Text size="sm" truncate>
            {option.label}
          </Text>
          <Text size="xs" c="dimmed" ff="monospace" truncate>
            {byId.get(option.value)?.address}
          </Text>
        </div>
      )}
      nothingFoundMessage={found.isFetching ? 'Searching…' : 'No Resource has this in its name or address'}
      rightSection={found.isFetching ? <Loader size={14} aria-label="Searching" /> : undefined}
      error={error}
    />
  );
}
