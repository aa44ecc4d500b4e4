/** Proves schema/tunnel/{encode,decode,parse}.ts: the bytes on the wire are those of the specification. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { ErrorCode } from '#schema/errors.ts';
import { bytesOfId, mintId } from '#schema/ids.ts';
import { Decoder } from '#schema/tunnel/decode.ts';
import {
  encodeCode,
  encodeFrame,
  encodeJson,
  encodeOpen,
  encodeOpened,
  type OpenRequest,
} from '#schema/tunnel/encode.ts';
import { acl, type FrameType, frameTypes, hello, maxHelloPayload, welcome } from '#schema/tunnel/frames.ts';
import { parseCode, parseJson, parseOpen, parseOpened } from '#schema/tunnel/parse.ts';
import { SeededRandom } from '../../../fuzz/random.ts';
import { decode, tunnelCodec } from '../../../fuzz/tunnel-codec.ts';

interface Vector {
  type: FrameType;
  stream: number;
  hex: string;
  json?: object;
  open?: OpenRequest;
  opened?: { credit: number; resolved: string };
  code?: ErrorCode;
  bytes?: string;
}
const vectors: {
  frames: Vector[];
  refused: { why: string; hex: string; code: ErrorCode }[];
  broken_open: { why: string; hex: string }[];
  open_with_more_behind: string;
} = JSON.parse(readFileSync(new URL('../../../vectors/tunnel-frames.json', import.meta.url), 'utf8'));
const bytesOf = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex');

describe('vectors', () => {
  for (const vector of vectors.frames) {
    const { type, stream, json, open, opened, code, bytes } = vector;
    test(`${type} on stream ${stream}: written`, () => {
      const written =
        json !== undefined
          ? encodeJson(type, json)
          : open !== undefined
            ? encodeOpen(stream, open)
            : opened !== undefined
              ? encodeOpened(stream, opened.credit, opened.resolved)
              : code !== undefined
                ? encodeCode(type as 'RESET', stream, code)
                : encodeFrame(type, stream, bytesOf(bytes ?? ''));
      expect(Buffer.from(written).toString('hex')).toBe(bytesOf(vector.hex).toString('hex'));
    });
    test(`${type} on stream ${stream}: read`, () => {
      const whole = bytesOf(vector.hex);
      const [seen] = decode(whole, [whole.length]).seen;
      expect(seen).toMatchObject({ type: frameTypes[type], stream });
      const payload = seen!.payload;
      if (json !== undefined) {
        const shape = type === 'HELLO' ? hello : type === 'ACL' ? acl : welcome;
        expect(parseJson(shape, payload)).toEqual(json);
      } else if (open !== undefined) expect(parseOpen(payload)).toEqual(open);
      else if (opened !== undefined) expect(parseOpened(payload)).toEqual(opened);
      else if (code !== undefined) expect(parseCode(payload)).toBe(code);
      else expect(payload.toString('hex')).toBe(bytes);
    });
  }

  for (const { why, hex, code } of vectors.refused) {
    test(`${why} is refused at its header`, () => {
      expect(decode(bytesOf(hex), [8])).toEqual({ seen: [], code });
    });
  }

  for (const { why, hex } of vectors.broken_open) {
    test(`an OPEN is refused: ${why}`, () => {
      expect(parseOpen(bytesOf(hex))).toBeUndefined();
    });
  }

  test('fields behind the known ones are ignored', () => {
    expect(parseOpen(bytesOf(vectors.open_with_more_behind))?.destination).toEqual({
      protocol: 'tcp',
      host: 'a',
      port: 80,
    });
  });
});

test('any division and any damage: 300 seeds', () => {
  for (let seed = 0; seed < 300; seed++) tunnelCodec.run(new SeededRandom(seed));
});

test('DATA is handed on as it arrives, as parts of the very chunk', () => {
  const chunk = encodeFrame('DATA', 7, new Uint8Array(1000));
  const slices: Uint8Array[] = [];
  const handler = {
    onFrame: () => undefined,
    onData(_stream: number, slice: Uint8Array) {
      slices.push(slice);
      return undefined;
    },
  };
  const decoder = new Decoder();
  decoder.push(chunk.subarray(0, 500), handler);
  expect(slices.map((slice) => slice.length)).toEqual([492]);
  expect(slices[0]!.buffer).toBe(chunk.buffer);
  decoder.push(chunk.subarray(500), handler);
  expect(slices.map((slice) => slice.length)).toEqual([492, 508]);
  expect(decoder.state).toBe('header');
});

test('a frame of an unknown type is skipped', () => {
  const unknown = encodeFrame('PING', 0, new Uint8Array(100));
  unknown[0] = 0x77;
  const bytes = Buffer.concat([unknown, encodeFrame('FIN', 1)]);
  for (const size of [1, 5, 1000]) {
    const sizes = Array.from({ length: Math.ceil(bytes.length / size) }, () => size);
    expect(decode(bytes, sizes)).toMatchObject({ code: undefined, seen: [{ type: frameTypes.FIN }] });
  }
});

test('an announced HELLO holds no memory before it comes', () => {
  const header = encodeFrame('HELLO', 0).slice();
  header.set([maxHelloPayload >> 16, (maxHelloPayload >> 8) & 255, maxHelloPayload & 255], 1);
  const decoder = new Decoder();
  const before = process.memoryUsage().arrayBuffers;
  expect(decoder.push(header, { onFrame: () => undefined, onData: () => undefined })).toBeUndefined();
  expect(
    decoder.push(new Uint8Array(100), { onFrame: () => undefined, onData: () => undefined }),
  ).toBeUndefined();
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 1024);
});

test('an id crosses as its 16 bytes', () => {
  const random = new SeededRandom(1);
  for (let round = 0; round < 50; round++) {
    const bytes = random.bytes(16);
    expect(bytesOfId(mintId('connection', bytes))).toEqual(bytes);
  }
  expect(() => bytesOfId('cnx_nonsense')).toThrow(RangeError);
});

test('a field that does not fit its layout is a RangeError', () => {
  const request = { ...vectors.frames.find(({ open }) => open)!.open! };
  expect(() => encodeOpen(1, { ...request, clientAddress: 'x'.repeat(256) })).toThrow(RangeError);
});
