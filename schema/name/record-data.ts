/**
 * What records carry: names in them are spelt out, for the types whose names may be compressed (RFC 3597 §4),
 * and the addresses that HTTPS and SVCB records hint at are taken out where they would lead past the tunnel
 * (RFC 9460 §7.3). `message.ts` reads with it.
 */
import { readName, wireOfName } from './wire-name.ts';

/** How the data of a type begins: bytes as they are, then so many names. The rest is as it is. */
const layouts = new Map<number, { fixed: number; names: number }>([
  [2, { fixed: 0, names: 1 }], // NS
  [3, { fixed: 0, names: 1 }], // MD
  [4, { fixed: 0, names: 1 }], // MF
  [5, { fixed: 0, names: 1 }], // CNAME
  [6, { fixed: 0, names: 2 }], // SOA
  [7, { fixed: 0, names: 1 }], // MB
  [8, { fixed: 0, names: 1 }], // MG
  [9, { fixed: 0, names: 1 }], // MR
  [12, { fixed: 0, names: 1 }], // PTR
  [14, { fixed: 0, names: 2 }], // MINFO
  [15, { fixed: 2, names: 1 }], // MX
  [17, { fixed: 0, names: 2 }], // RP
  [18, { fixed: 2, names: 1 }], // AFSDB
  [21, { fixed: 2, names: 1 }], // RT
  [26, { fixed: 2, names: 2 }], // PX
  [33, { fixed: 6, names: 1 }], // SRV
  [36, { fixed: 2, names: 1 }], // KX
  [39, { fixed: 0, names: 1 }], // DNAME
]);

/** The data between `start` and `end` of a message, on its own. Undefined when it is broken. */
export function plainData(
  message: Uint8Array,
  type: number,
  start: number,
  end: number,
): Uint8Array | undefined {
  const layout = layouts.get(type);
  if (!layout) return message.slice(start, end);
  if (start + layout.fixed > end) return undefined;
  const parts = [message.subarray(start, start + layout.fixed)];
  let at = start + layout.fixed;
  for (let left = layout.names; left > 0; left--) {
    const name = readName(message, at);
    const wire = name && name.end <= end ? wireOfName(name.text) : undefined;
    if (!name || !wire) return undefined;
    parts.push(wire);
    at = name.end;
  }
  parts.push(message.subarray(at, end));
  return joined(parts);
}

/** The name that a CNAME or PTR record leads to. */
export const targetName = (data: Uint8Array): string | undefined => readName(data, 0)?.text;

/** SvcParamKeys `ipv4hint` and `ipv6hint`. */
const hints = new Set([4, 6]);

/**
 * The data of an HTTPS or SVCB record without addresses in it: they are the Resource's own, which this host
 * has no way to. Undefined when it is broken.
 */
export function withoutHints(data: Uint8Array): Uint8Array | undefined {
  const target = readName(data, 2);
  if (!target) return undefined;
  const parts = [data.subarray(0, target.end)];
  let at = target.end;
  while (at < data.length) {
    if (at + 4 > data.length) return undefined;
    const key = (data[at]! << 8) | data[at + 1]!;
    const end = at + 4 + ((data[at + 2]! << 8) | data[at + 3]!);
    if (end > data.length) return undefined;
    if (!hints.has(key)) parts.push(data.subarray(at, end));
    at = end;
  }
  return withoutMandatory(joined(parts), target.end);
}

/** `mandatory` (key 0, always first) must not name what is gone: its keys but the hints are written again. */
function withoutMandatory(data: Uint8Array, at: number): Uint8Array {
  if (at + 4 > data.length || data[at] !== 0 || data[at + 1] !== 0) return data;
  const end = at + 4 + ((data[at + 2]! << 8) | data[at + 3]!);
  const keys: number[] = [];
  for (let i = at + 4; i + 1 < end; i += 2) {
    if (!hints.has((data[i]! << 8) | data[i + 1]!)) keys.push(data[i]!, data[i + 1]!);
  }
  const kept = keys.length === 0 ? [] : [0, 0, keys.length >> 8, keys.length & 0xff, ...keys];
  return joined([data.subarray(0, at), Uint8Array.from(kept), data.subarray(end)]);
}

function joined(parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
