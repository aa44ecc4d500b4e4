/** When a grant ends: never, after a usual span, or at a moment that somebody writes. */
import { NativeSelect, Stack, TextInput } from '@mantine/core';

const hour = 3_600_000;
const spans: Record<string, number> = {
  '1 hour': hour,
  '8 hours': 8 * hour,
  '1 day': 24 * hour,
  '7 days': 7 * 24 * hour,
  '30 days': 30 * 24 * hour,
  '90 days': 90 * 24 * hour,
  '1 year': 365 * 24 * hour,
};

export interface Expiry {
  /** `never`, `at`, or one of the spans. */
  choice: string;
  /** As a browser's field for date and time has it, in local time. */
  at: string;
}

export const never: Expiry = { choice: 'never', at: '' };

/** @returns RFC 3339, or null. */
export function endOf({ choice, at }: Expiry, now: number): string | null {
  if (choice === 'never') return null;
  return new Date(choice === 'at' ? at : now + spans[choice]!).toISOString();
}

export const expiryMistake = ({ choice, at }: Expiry): string | null =>
  choice === 'at' && Number.isNaN(Date.parse(at)) ? 'Say on which day and at which time' : null;

export function ExpiryField({
  value,
  onChange,
  error,
}: {
  value: Expiry;
  onChange: (value: Expiry) => void;
  error?: React.ReactNode;
}) {
  return (
    <Stack gap="xs">
      <NativeSelect
        label="Ends"
        value={value.choice}
        onChange={({ currentTarget: { value: choice } }) => onChange({ ...value, choice })}
        data={[
          { value: 'never', label: 'Never' },
          ...Object.keys(spans).map((span) => ({ value: span, label: `After ${span}` })),
          { value: 'at', label: 'At a time …' },
        ]}
      />
      {value.choice === 'at' && (
        <TextInput
          type="datetime-local"
          label="Day and time"
          description="In your time zone."
          value={value.at}
          onChange={({ currentTarget: { value: at } }) => onChange({ ...value, at })}
          error={error}
        />
      )}
    </Stack>
  );
}
