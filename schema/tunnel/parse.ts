/**
 * Reads the payloads that have a layout of their own, after `decode.ts` has cut them out; `encode.ts` writes
 * them. Each answers undefined when the layout is broken: the caller then ends the tunnel. Bytes behind the
 * last field are left alone, so that fields can be added.
 */
import type * as z from 'zod/mini';
import type { Destination } from '#schema/acl/document.ts';
import { codeOf, type ErrorCode } from '#schema/errors.ts';
import { mintId } from '#schema/ids.ts';
import { readUint32 } from './decode.ts';
import type { OpenRequest } from './encode.ts';
import { protocols } from './frames.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true });
const protocolOf = new Map<number, Destination['protocol']>(
  Object.entries(protocols).map(([name, number]) => [number, name as Destination['protocol']]),
);

export function parseOpen(payload: Uint8Array): OpenRequest | undefined {
  if (payload.length < 25) return undefined;
  const protocol = protocolOf.get(payload[16]!);
  const port = (payload[17]! << 8) | payload[18]!;
  const host = parseCounted(payload, 23);
  if (protocol === undefined || host === undefined || host.text === '') return undefined;
  const client = parseCounted(payload, host.end);
  if (client === undefined) return undefined;
  return {
    connectionId: mintId('connection', payload.subarray(0, 16)),
    destination: {
      protocol,
      host: host.text,
      ...((protocol === 'tcp' || protocol === 'udp') && { port }),
    },
    clientAddress: client.text,
    credit: readUint32(payload, 19),
  };
}

export function parseOpened(payload: Uint8Array): { credit: number; resolved: string } | undefined {
  if (payload.length < 5) return undefined;
  const resolved = parseCounted(payload, 4);
  return resolved && { credit: readUint32(payload, 0), resolved: resolved.text };
}

/** RESET, GOAWAY. */
export const parseCode = (payload: Uint8Array): ErrorCode | undefined =>
  payload.length < 1 ? undefined : codeOf(payload[0]!);

/** HELLO, WELCOME, ACL. */
export function parseJson<S extends z.ZodMiniType>(shape: S, payload: Uint8Array): z.infer<S> | undefined {
  try {
    return shape.safeParse(JSON.parse(utf8.decode(payload))).data;
  } catch {
    return undefined;
  }
}

function parseCounted(payload: Uint8Array, at: number): { text: string; end: number } | undefined {
  const end = at + 1 + (payload[at] ?? payload.length);
  if (end > payload.length) return undefined;
  try {
    return { text: utf8.decode(payload.subarray(at + 1, end)), end };
  } catch {
    return undefined;
  }
}
