/** A moment, as people say it ("3 min ago"), with the exact time on hover and for screen readers. */
import { Text, type TextProps, Tooltip } from '@mantine/core';
import { useNow } from '../browser/now.ts';

const units = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
] as const;
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto', style: 'short' });
const exact = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' });

/** @param at milliseconds since the epoch. @param now the same. */
export function sayWhen(at: number, now: number): string {
  const seconds = Math.round((at - now) / 1000);
  // `now` moves in steps: what happened since the last one is no future.
  if (seconds > -10 && seconds < 15) return 'just now';
  const [unit, size] = units.find(([, size]) => Math.abs(seconds) >= size) ?? units.at(-1)!;
  return relative.format(Math.trunc(seconds / size), unit);
}

/** @param at ISO 8601, or null for never. @param never what to say then. */
export function Time({ at, never = 'never', ...props }: { at: string | null; never?: string } & TextProps) {
  const now = useNow();
  if (at === null)
    return (
      <Text span inherit c="dimmed" {...props}>
        {never}
      </Text>
    );
  const time = Date.parse(at);
  return (
    <Tooltip label={exact.format(time)}>
      <Text
        span
        inherit
        component="time"
        {...({ dateTime: at } as object)}
        style={{ whiteSpace: 'nowrap' }}
        {...props}
      >
        {sayWhen(time, now)}
      </Text>
    </Tooltip>
  );
}
