/** A search field whose text is kept in the page's URL by the caller; it waits until typing pauses. */
import { CloseButton, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { Search as Glass } from 'lucide-react';
import { useState } from 'react';

export function Search({
  value,
  onChange,
  label,
}: {
  value: string | undefined;
  onChange: (text: string | undefined) => void;
  /** What is searched: "Search groups". */
  label: string;
}) {
  const [text, setText] = useState(value ?? '');
  const settle = useDebouncedCallback((next: string) => onChange(next.trim() || undefined), 250);
  const type = (next: string) => {
    setText(next);
    settle(next);
  };
  return (
    <TextInput
      type="search"
      aria-label={label}
      placeholder={label}
      value={text}
      onChange={({ currentTarget }) => type(currentTarget.value)}
      leftSection={<Glass size={16} aria-hidden />}
      rightSection={
        text !== '' && <CloseButton size="sm" aria-label="Clear the search" onClick={() => type('')} />
      }
      w={{ base: '100%', xs: 280 }}
    />
  );
}
