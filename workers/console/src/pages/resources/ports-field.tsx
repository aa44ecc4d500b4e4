/** The ports of one protocol: all, none, or those that are written. */
import { Input, SegmentedControl, Stack, TextInput } from '@mantine/core';
import type { ReactNode } from 'react';
import type { PortInput } from './port-text.ts';

interface Props {
  label: string;
  value: PortInput;
  onChange: (value: PortInput) => void;
  error?: ReactNode;
}

export function PortsField({ label, value, onChange, error }: Props) {
  return (
    <Input.Wrapper label={label} labelElement="div" error={value.mode === 'some' ? undefined : error}>
      <Stack gap={6}>
        <SegmentedControl
          fullWidth
          aria-label={label}
          value={value.mode}
          onChange={(mode) => onChange({ ...value, mode: mode as PortInput['mode'] })}
          data={[
            { value: 'all', label: 'All' },
            { value: 'some', label: 'Some' },
            { value: 'none', label: 'None' },
          ]}
        />
        {value.mode === 'some' && (
          <TextInput
            aria-label={`${label}, written`}
            placeholder="443, 8000-8100"
            autoComplete="off"
            value={value.text}
            onChange={({ currentTarget: { value: text } }) => onChange({ ...value, text })}
            error={error}
          />
        )}
      </Stack>
    </Input.Wrapper>
  );
}
