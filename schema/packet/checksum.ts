/**
 * The Internet checksum (RFC 1071), whole and by difference (RFC 1624), and the half-done one that the kernel
 * leaves in a packet whose checksum is to be finished later (virtio NEEDS_CSUM).
 */

import { get16, type PacketView, protocols } from './view.ts';
import { checksumValid } from './virtio.ts';

/** Carries added back in: 0–0xffff. */
export function fold(sum: number): number {
  // Sums beyond 32 bits do not occur: at most 65,535 bytes of two are added to it.
  sum = (sum & 0xffff) + (sum >>> 16);
  return (sum & 0xffff) + (sum >>> 16);
}

/** The sum of 16-bit words, not complemented, folded. An odd last byte counts as if a 0 followed. */
export function sumOf(bytes: Uint8Array, start: number, end: number, initial = 0): number {
  let sum = initial;
  const even = end - ((end - start) & 1);
  for (let at = start; at < even; at += 2) sum += (bytes[at]! << 8) | bytes[at + 1]!;
  if (even < end) sum += bytes[even]! << 8;
  return fold(sum);
}

/** What goes into a checksum field. */
export const checksumOf = (bytes: Uint8Array, start: number, end: number, initial = 0): number =>
  ~sumOf(bytes, start, end, initial) & 0xffff;

/**
 * The pseudo-header's sum (RFC 9293 §3.1, RFC 8200 §8.1), not complemented: what stands in the field when the
 * kernel is to finish it.
 * @param addressesAt where the source address begins; the destination follows. @param length of header and data.
 */
export const pseudoSum = (
  bytes: Uint8Array,
  addressesAt: number,
  addressBytes: 4 | 16,
  protocol: number,
  length: number,
): number => sumOf(bytes, addressesAt, addressesAt + 2 * addressBytes, protocol + length);

/** The difference that `to` makes in place of `from`, as a folded sum: RFC 1624's ~m + m'. Lengths equal and even. */
export const deltaOf = (from: Uint8Array, to: Uint8Array): number =>
  fold((~sumOf(from, 0, from.length) & 0xffff) + sumOf(to, 0, to.length));

/** A complete checksum field after a change: HC' = ~(~HC + delta). */
export const changed = (field: number, delta: number): number => ~fold((~field & 0xffff) + delta) & 0xffff;

/** A half-done one, which is a sum and not complemented. */
export const changedPartial = (field: number, delta: number): number => fold(field + delta);

/**
 * Whether the data came as they were sent: the transport's checksum of TCP, UDP or ICMP holds, or the kernel has
 * vouched for it. Costs a pass over the data. A UDP datagram without one passes over IPv4 alone (RFC 8200 §8.1).
 */
export function transportChecksumHolds(view: PacketView): boolean {
  const { frame, transport, protocol, family } = view;
  if (view.partial || (frame[0]! & checksumValid) !== 0) return true;
  if (protocol === protocols.udp && get16(frame, transport + 6) === 0) return family === 4;
  const pseudo =
    protocol === protocols.icmp
      ? 0
      : pseudoSum(frame, view.sourceAt, view.addressBytes, protocol, view.payloadEnd - transport);
  return sumOf(frame, transport, view.payloadEnd, pseudo) === 0xffff;
}
