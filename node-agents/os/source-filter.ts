/**
 * A socket filter that lets in packets of a few addresses and drops all others before TCP sees them: to
 * everybody else the port looks as if nothing were there. What a listener accepts inherits it.
 */
import type { Ip } from '#schema/name/ip.ts';
import { attachFilter, encodeFilter, type Instruction, operation } from './socket-filter.ts';

/** @param allowed of the socket's own family. @returns whether the kernel took it. */
export const filterSources = (fd: number, allowed: readonly Ip[]): boolean =>
  attachFilter(fd, sourceFilter(allowed));

/** Offsets from here on count from the network header (linux/filter.h SKF_NET_OFF). */
const networkHeader = 0xfff00000;

/**
 * Word by word of the source address; the first that differs leads to the next address allowed, and the last
 * of these to the drop.
 */
export function sourceFilter(allowed: readonly Ip[]): Buffer<ArrayBuffer> {
  const program: Instruction[] = [];
  for (const { family, bytes } of allowed) {
    const source = networkHeader + (family === 4 ? 12 : 8);
    const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const count = bytes.length / 4;
    for (let i = 0; i < count; i++) {
      // After the comparison that differs: those left of this address, and its `accept`.
      const toNext = 2 * (count - i - 1) + 1;
      program.push(
        [operation.loadWord, 0, 0, source + 4 * i],
        [operation.jumpIfEqual, 0, toNext, words.getUint32(4 * i)],
      );
    }
    program.push([operation.answer, 0, 0, operation.all]);
  }
  program.push([operation.answer, 0, 0, 0]);
  return encodeFilter(program);
}
