/**
 * The frame decoder: any division of the bytes gives the same frames, and no bytes whatever make it throw,
 * hold more than a frame may have, or hand on what it has refused.
 */
import { deepStrictEqual, ok } from 'node:assert/strict';
import { Decoder } from '#schema/tunnel/decode.ts';
import { encodeFrame } from '#schema/tunnel/encode.ts';
import {
  type FrameType,
  frameTypes,
  headerBytes,
  maxHelloPayload,
  maxPayload,
} from '#schema/tunnel/frames.ts';
import { parseOpen, parseOpened } from '#schema/tunnel/parse.ts';
import type { SeededRandom } from './random.ts';
import type { Target } from './target.ts';

type Seen = { type: number; stream: number; payload: Buffer };

export const tunnelCodec: Target = {
  name: 'tunnel/codec',
  run(random) {
    const frames = Array.from({ length: 1 + random.int(12) }, () => anyFrame(random));
    const bytes = Buffer.concat(frames.map(({ bytes }) => bytes));
    const whole = decode(bytes, [bytes.length]);
    deepStrictEqual(
      whole.seen,
      frames.filter(({ known }) => known).map(({ seen }) => seen),
    );
    deepStrictEqual(decode(bytes, divisions(random, bytes.length)), whole);

    const broken = Buffer.from(bytes.subarray(0, random.int(bytes.length + 1)));
    for (let flips = random.int(8); flips > 0 && broken.length > 0; flips--) {
      broken[random.int(broken.length)]! ^= 1 << random.int(8);
    }
    const one = decode(broken, [broken.length]);
    deepStrictEqual(decode(broken, divisions(random, broken.length)), one);
    for (const { payload } of one.seen) {
      parseOpen(payload);
      parseOpened(payload);
    }
  },
};

function anyFrame(random: SeededRandom): { bytes: Uint8Array; seen: Seen; known: boolean } {
  const names = Object.keys(frameTypes) as FrameType[];
  const name = random.pick(names);
  const length = random.chance(0.1) ? random.int(3000) : random.int(40);
  const payload = random.bytes(name === 'DATA' ? length + 1 : length);
  const stream = random.chance(0.5) ? random.int(8) : random.int(2 ** 32);
  const bytes = encodeFrame(name, stream, payload);
  const known = random.chance(0.9);
  if (!known) bytes[0] = 0x80 + random.int(0x80);
  return { bytes, known, seen: { type: frameTypes[name], stream, payload: Buffer.from(payload) } };
}

function divisions(random: SeededRandom, total: number): number[] {
  const sizes: number[] = [];
  const most = random.pick([1, 3, 9, 50, 500]);
  for (let left = total; left > 0; ) {
    const size = Math.min(left, 1 + random.int(most));
    sizes.push(size);
    left -= size;
  }
  return sizes;
}

/** Frames as they were handed on, the slices of one DATA frame joined. */
export function decode(bytes: Uint8Array, sizes: number[]): { seen: Seen[]; code: string | undefined } {
  const decoder = new Decoder();
  const seen: Seen[] = [];
  let left = 0;
  let code: string | undefined;
  const handler = {
    onFrame(type: number, stream: number, payload: Uint8Array) {
      ok(code === undefined, 'a frame after the refusal');
      ok(payload.length <= Math.max(maxPayload, maxHelloPayload));
      seen.push({ type, stream, payload: Buffer.from(payload) });
      return undefined;
    },
    onData(stream: number, slice: Uint8Array) {
      ok(slice.length > 0 && slice.length <= maxPayload);
      const last = seen.at(-1);
      if (left > 0 && last !== undefined) last.payload = Buffer.concat([last.payload, slice]);
      else {
        // The length of the frame is in the header, 8 bytes before its first slice.
        const offset = slice.byteOffset - bytes.byteOffset;
        left =
          offset >= headerBytes
            ? Buffer.from(bytes.buffer, bytes.byteOffset + offset - 7, 3).readUIntBE(0, 3)
            : 0;
        seen.push({ type: frameTypes.DATA, stream, payload: Buffer.from(slice) });
      }
      left -= slice.length;
      return undefined;
    },
  };
  let at = 0;
  for (const size of sizes) {
    code = decoder.push(bytes.subarray(at, at + size), handler);
    at += size;
  }
  return { seen, code };
}
