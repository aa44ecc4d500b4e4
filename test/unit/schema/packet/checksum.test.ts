/** Proves schema/packet/checksum.ts: RFC 1071's example, and that a difference is as good as a new sum. */
import { expect, test } from 'vitest';
import { changed, changedPartial, checksumOf, deltaOf, fold, sumOf } from '#schema/packet/checksum.ts';
import { packetParse } from '../../../fuzz/packet-parse.ts';
import { SeededRandom } from '../../../fuzz/random.ts';

test('the example of RFC 1071 §3', () => {
  const bytes = new Uint8Array([0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]);
  expect(sumOf(bytes, 0, 8)).toBe(0xddf2);
  expect(checksumOf(bytes, 0, 8)).toBe(0x220d);
});

test('the example of RFC 1624 §4, which a naive difference gets wrong', () => {
  expect(changed(0xdd2f, deltaOf(new Uint8Array([0x55, 0x55]), new Uint8Array([0x32, 0x85])))).toBe(0);
});

test('an odd last byte stands in the upper half', () => {
  expect(sumOf(new Uint8Array([1, 2, 3]), 0, 3)).toBe(0x0102 + 0x0300);
});

test('the longest packet of the largest words does not overflow', () => {
  expect(sumOf(new Uint8Array(65_536).fill(0xff), 0, 65_536, 0xffff)).toBe(0xffff);
  expect(fold(0xffff_ffff)).toBe(0xffff);
});

test('a difference gives what a new sum gives, half done or whole', () => {
  const random = new SeededRandom(1);
  for (let turn = 0; turn < 2_000; turn++) {
    const bytes = random.bytes(2 * (4 + random.int(30)));
    const at = 2 * random.int(3);
    const to = random.chance(0.2) ? new Uint8Array(4).fill(random.pick([0, 255])) : random.bytes(4);
    const before = checksumOf(bytes, 0, bytes.length);
    const delta = deltaOf(bytes.slice(at, at + 4), to);
    bytes.set(to, at);
    const after = checksumOf(bytes, 0, bytes.length);
    // 0 and 0xffff are the same number in ones’ complement.
    expect(changed(before, delta) % 0xffff).toBe(after % 0xffff);
    expect(changedPartial(~before & 0xffff, delta) % 0xffff).toBe((~after & 0xffff) % 0xffff);
  }
});

test('packets at random, bent and whole', () => {
  for (let seed = 0; seed < 1_000; seed++) packetParse.run(new SeededRandom(seed));
});
