/**
 * A socket filter that drops TCP resets, for a socket that dials: it then goes on waiting for its peer's SYN
 * where somebody in between, or the peer's own host a moment too early, says that nobody is there.
 */
import { attachFilter, detachFilter, encodeFilter, operation } from './socket-filter.ts';

const { loadByte, jumpIfAnyBit, answer, all } = operation;
/** In the TCP header, with which a packet begins here. */
const flagsAt = 13;
const RST = 4;

const dropResets = encodeFilter([
  [loadByte, 0, 0, flagsAt],
  [jumpIfAnyBit, 0, 1, RST],
  [answer, 0, 0, 0],
  [answer, 0, 0, all],
]);

/** @returns whether the kernel took it. */
export const ignoreResets = (fd: number): boolean => attachFilter(fd, dropResets);

/** Once connected, a reset is the end again. */
export const heedResets = (fd: number): boolean => detachFilter(fd);
