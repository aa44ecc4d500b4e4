/**
 * The address of a Resource as it is typed: judged at once by the rules that the Controller has, and shown
 * beside what it would overlap.
 */
import { Alert, Checkbox, Stack, Text, TextInput } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { Layers } from 'lucide-react';
import { api, take } from '../../api/client.ts';
import { type Fields, isReserved, kinds, mistakes, readAddress } from './fields.ts';
import { Overlaps } from './overlaps.tsx';

interface Props {
  form: UseFormReturnType<Fields>;
  /** Of the Resource that is changed; none: a new one. */
  id?: string | undefined;
}

export function AddressField({ form, id }: Props) {
  const { address, alias, allow_reserved: allowed } = form.values;
  const [settled] = useDebouncedValue(address, 300);
  const read = readAddress(settled, true);
  const live = settled === '' ? undefined : (mistakes.address(settled, form.values) ?? undefined);
  const input = form.getInputProps('address');
  const overlaps = useOverlaps(read.ok && !live ? read.address : undefined, alias, id);
  return (
    <Stack gap="xs">
      <TextInput
        label="Address"
        description="An address, a network, a name or a wildcard: 10.0.0.5, 10.0.0.0/24, db.internal, *.internal"
        placeholder="db.internal"
        required
        maxLength={260}
        autoComplete="off"
        spellCheck={false}
        {...input}
        error={input.error ?? live}
      />
      {read.ok && !live && (
        <Text size="xs" c="dimmed" role="status">
          {kinds[read.kind]}
          {read.address !== settled.trim() && ` Kept as ${read.address}.`}
        </Text>
      )}
      {(allowed || isReserved(settled)) && (
        <Checkbox
          label="It really is there: allow this reserved address"
          description="The Connector’s own host, link-local and cloud metadata can give more away than meant."
          {...form.getInputProps('allow_reserved', { type: 'checkbox' })}
        />
      )}
      {read.ok && overlaps.length > 0 && (
        <Alert
          color="blue"
          icon={<Layers size={18} aria-hidden />}
          title={`Overlaps ${overlaps.length === 1 ? 'another Resource' : `${overlaps.length} Resources`}`}
        >
          <Overlaps address={read.address} of={overlaps.slice(0, 5)} />
          {overlaps.length > 5 && <Text size="sm">And {overlaps.length - 5} more.</Text>}
        </Alert>
      )}
    </Stack>
  );
}

function useOverlaps(address: string | undefined, written: string, id: string | undefined) {
  const [text] = useDebouncedValue(written.trim(), 300);
  const alias = text === '' || address === undefined ? undefined : text;
  const { data } = useQuery({
    queryKey: ['overlaps', address, alias, id],
    queryFn: () => take(api.resources.overlaps.$get({ query: { address: address!, alias, id } })),
    enabled: address !== undefined,
    // An alias in the making is refused: nothing to ask again.
    retry: false,
  });
  return data?.overlaps ?? [];
}
