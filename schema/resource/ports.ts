/**
 * The ports of a Resource in canonical form: sorted, without overlaps, neighbours joined; the whole range is
 * `all`. What a matcher reads (`acl/match.ts`) is then as short as it can be, and equal rules look equal.
 */
import type { PortRange, Ports } from '#schema/acl/document.ts';
import { refuse, type Verdict } from '#schema/errors.ts';

export function canonicalPorts(ports: Ports): Verdict<{ ports: Ports }, 'ports_invalid'> {
  if (typeof ports === 'string') return { ok: true, ports };
  const wrong = ports.find(({ from, to }) => !isPort(from) || !isPort(to) || from > to);
  if (wrong) return refuse('ports_invalid', `${wrong.from}–${wrong.to} is no range within 1–65535`);
  const joined: PortRange[] = [];
  for (const { from, to } of ports.toSorted((a, b) => a.from - b.from)) {
    const last = joined.at(-1);
    if (last && from <= last.to + 1) last.to = Math.max(last.to, to);
    else joined.push({ from, to });
  }
  if (joined.length === 0) return { ok: true, ports: 'none' };
  const whole = joined[0]!.from === 1 && joined[0]!.to === 65535;
  return { ok: true, ports: whole ? 'all' : joined };
}

const isPort = (port: number): boolean => Number.isInteger(port) && port >= 1 && port <= 65535;
