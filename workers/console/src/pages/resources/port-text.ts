/** Ports as people write them, "443, 8000-8100", and as the API has them. */
import type { Ports } from '#schema/acl/document.ts';
import { refuse, type Verdict } from '#schema/errors.ts';
import { canonicalPorts } from '#schema/resource/ports.ts';

/** What a form holds. */
export interface PortInput {
  mode: 'all' | 'some' | 'none';
  text: string;
}

export function readPorts({ mode, text }: PortInput): Verdict<{ ports: Ports }, 'ports_invalid'> {
  if (mode !== 'some') return { ok: true, ports: mode };
  const written = text
    .replace(/\s*[-–]\s*/g, '-')
    .split(/[\s,;]+/)
    .filter((part) => part !== '');
  if (written.length === 0) return refuse('ports_invalid', 'write for instance 443, 8000-8100');
  if (written.length > 64) return refuse('ports_invalid', 'at most 64 ranges');
  const ranges = [];
  for (const part of written) {
    const [, from, to = from] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part) ?? [];
    if (from === undefined)
      return refuse('ports_invalid', `“${part}” is neither a port nor a range such as 8000-8100`);
    ranges.push({ from: Number(from), to: Number(to) });
  }
  return canonicalPorts(ranges);
}

export const writePorts = (ports: Ports): PortInput =>
  typeof ports === 'string' ? { mode: ports, text: '' } : { mode: 'some', text: sayPorts(ports) };

/** "443, 8000-8100", or "all" or "none". */
export const sayPorts = (ports: Ports): string =>
  typeof ports === 'string'
    ? ports
    : ports.map(({ from, to }) => (from === to ? String(from) : `${from}-${to}`)).join(', ');

/** All protocols in a few words: "TCP 443, 8000-8100 · UDP none · ping". */
export function sayReach({ tcp, udp, icmp }: { tcp: Ports; udp: Ports; icmp: boolean }): string {
  if (tcp === 'all' && udp === 'all' && icmp) return 'everything';
  const parts = [
    tcp !== 'none' && `TCP ${sayPorts(tcp)}`,
    udp !== 'none' && `UDP ${sayPorts(udp)}`,
    icmp && 'ping',
  ].filter((part) => part !== false);
  return parts.join(' · ') || 'nothing';
}
