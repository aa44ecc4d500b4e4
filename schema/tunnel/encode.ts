/**
 * Writes frames: the header in front of anything, and the payloads that have a layout of their own. `mux.ts`
 * decides what is sent when; `decode.ts` reads it on the other side; `frames.ts` is the specification.
 */
import type { Destination } from '#schema/acl/document.ts';
import { type ErrorCode, wireOf } from '#schema/errors.ts';
import { bytesOfId } from '#schema/ids.ts';
import { type FrameType, frameTypes, headerBytes, protocols } from './frames.ts';

export interface OpenRequest {
  /** `cnx_…` */
  connectionId: string;
  destination: Destination;
  /** At most 255 bytes of UTF-8, may be empty. */
  clientAddress: string;
  /** What the Connector may send at once. */
  credit: number;
}

const text = new TextEncoder();

/** @returns the offset behind the header. */
export function writeHeader(
  into: Uint8Array,
  at: number,
  type: number,
  stream: number,
  length: number,
): number {
  into[at] = type;
  into[at + 1] = length >>> 16;
  into[at + 2] = length >>> 8;
  into[at + 3] = length;
  return writeUint32(into, at + 4, stream);
}

export function writeUint32(into: Uint8Array, at: number, value: number): number {
  into[at] = value >>> 24;
  into[at + 1] = value >>> 16;
  into[at + 2] = value >>> 8;
  into[at + 3] = value;
  return at + 4;
}

export function encodeFrame(type: FrameType, stream: number, payload: Uint8Array = empty): Uint8Array {
  const frame = new Uint8Array(headerBytes + payload.length);
  frame.set(payload, writeHeader(frame, 0, frameTypes[type], stream, payload.length));
  return frame;
}

/** HELLO, WELCOME, ACL. */
export const encodeJson = (type: FrameType, body: object): Uint8Array =>
  encodeFrame(type, 0, text.encode(JSON.stringify(body)));

/** RESET, GOAWAY. */
export const encodeCode = (type: 'RESET' | 'GOAWAY', stream: number, code: ErrorCode): Uint8Array =>
  encodeFrame(type, stream, Uint8Array.of(wireOf(code)));

/** @throws RangeError when a field does not fit its layout. */
export function encodeOpen(stream: number, o: OpenRequest): Uint8Array {
  const { protocol, host, port = 0 } = o.destination;
  const fixed = new Uint8Array(16 + 1 + 2 + 4);
  fixed.set(bytesOfId(o.connectionId));
  fixed[16] = protocols[protocol];
  fixed[17] = port >>> 8;
  fixed[18] = port;
  writeUint32(fixed, 19, o.credit);
  return encodeFrame('OPEN', stream, concat([fixed, counted(host), counted(o.clientAddress)]));
}

/** @param credit in addition to `initialCredit`. */
export function encodeOpened(stream: number, credit: number, resolved: string): Uint8Array {
  const fixed = new Uint8Array(4);
  writeUint32(fixed, 0, credit);
  return encodeFrame('OPENED', stream, concat([fixed, counted(resolved)]));
}

const empty = new Uint8Array(0);

/** One byte of length, then UTF-8. */
function counted(value: string): Uint8Array {
  const bytes = text.encode(value);
  if (bytes.length > 255) throw new RangeError('longer than 255 bytes');
  return concat([Uint8Array.of(bytes.length), bytes]);
}

function concat(parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
