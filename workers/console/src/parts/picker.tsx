/**
 * Picks one of many: a field that asks the API for what matches as somebody types, so that ten thousand things
 * are as easy to pick from as ten.
 */
import { Select, type SelectProps } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, type QueryKey, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { asProblem } from '../api/problem.ts';

export interface Choice {
  value: string;
  label: string;
}

interface Props extends Omit<SelectProps, 'data' | 'onChange' | 'value'> {
  /** As of any query; what is typed is added to it. */
  asked: QueryKey;
  /** @param q undefined: whatever comes first. */
  ask: (q: string | undefined) => Promise<Choice[]>;
  value: string | null;
  onChange: (value: string | null) => void;
  /** What `value` is called at first, where it may not be among the first that come. */
  chosen?: Choice | undefined;
}

export function Picker({ asked, ask, value, onChange, chosen: first, ...props }: Props) {
  const [text, setText] = useState('');
  const [chosen, setChosen] = useState(first);
  // The field shows what was chosen: that is no search.
  const [q] = useDebouncedValue(text === '' || text === chosen?.label ? undefined : text, 200);
  const { data, error } = useQuery({
    queryKey: [...asked, 'picker', q],
    queryFn: () => ask(q),
    placeholderData: keepPreviousData,
  });
  const found = data ?? [];
  const kept = chosen && chosen.value === value && !found.some((one) => one.value === value) ? [chosen] : [];
  return (
    <Select
      searchable
      nothingFoundMessage={nothing(data !== undefined, q !== undefined)}
      {...props}
      data={[...kept, ...found]}
      filter={({ options }) => options}
      value={value}
      onChange={(value, option) => {
        setChosen(option ? { value: option.value, label: option.label } : undefined);
        onChange(value);
      }}
      onSearchChange={setText}
      error={props.error ?? (error ? asProblem(error).title : undefined)}
    />
  );
}

const nothing = (asked: boolean, searched: boolean): string => {
  if (!asked) return 'Loading …';
  return searched ? 'Nothing has this in its name' : 'There is none yet';
};
