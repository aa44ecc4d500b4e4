/** Proves process/random: what is drawn ahead is never handed out twice. */
import { expect, test } from 'vitest';
import { drawingAhead } from '#node-agents/process/random.ts';

/** Counts up, so that every byte tells when it was drawn. */
function counting(): (bytes: Uint8Array<ArrayBuffer>) => void {
  let next = 0;
  return (bytes) => {
    for (let i = 0; i + 4 <= bytes.length; i += 4) new DataView(bytes.buffer).setUint32(i, next++);
  };
}

test('no byte is handed out twice, over many drawings', () => {
  const random = drawingAhead(counting());
  const seen = new Set<string>();
  for (let i = 0; i < 2_000; i++) seen.add(Buffer.from(random(16)).toString('hex'));
  expect(seen.size).toBe(2_000);
});

test('a caller may change what it was given', () => {
  const random = drawingAhead(counting());
  random(16).fill(0xff);
  expect([...random(8)]).toEqual([0, 0, 0, 4, 0, 0, 0, 5]);
});

test('much is drawn for itself', () => {
  expect(drawingAhead((bytes) => void bytes.fill(7))(1_000)).toEqual(new Uint8Array(1_000).fill(7));
});
