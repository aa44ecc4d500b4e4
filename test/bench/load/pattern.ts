/**
 * The bytes of a bulk flow: one pseudo-random block repeated, its length a prime, so that no lost, doubled
 * or displaced piece of any usual size leaves the stream looking right. Sender and receiver make the same
 * block; the receiver knows what belongs at each offset and compares both ends of every chunk that it reads,
 * which costs next to nothing and notices any shift.
 */

/** Prime. */
export const blockBytes = 1_048_573;
const sampleBytes = 64;

const repeated = fill(Buffer.allocUnsafeSlow(blockBytes + sampleBytes));
export const block = repeated.subarray(0, blockBytes);

/** Whether the `length` bytes at the start of `chunk` are those of the stream from `offset` on. */
export function matches(chunk: Uint8Array, length: number, offset: number): boolean {
  const sample = Math.min(sampleBytes, length);
  return equal(chunk, 0, sample, offset) && equal(chunk, length - sample, sample, offset + length - sample);
}

function equal(chunk: Uint8Array, start: number, length: number, offset: number): boolean {
  const at = offset % blockBytes;
  return repeated.compare(chunk, start, start + length, at, at + length) === 0;
}

function fill(buffer: Buffer): Buffer {
  let state = 0x9e3779b9;
  for (let i = 0; i < blockBytes; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    buffer[i] = state;
  }
  buffer.copy(buffer, blockBytes, 0, sampleBytes);
  return buffer;
}
