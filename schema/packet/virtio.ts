/**
 * The ten bytes before each packet of a TUN device that was opened with IFF_VNET_HDR: virtio_net_hdr (virtio 1.2
 * §5.1.6), little-endian here. They say which checksum is still to be finished and how a long TCP segment is
 * to be cut. `parse.ts` reads them; a packet that is rewritten goes back with the same ten bytes.
 *
 *   flags u8 · gso_type u8 · hdr_len u16 · gso_size u16 · csum_start u16 · csum_offset u16
 */

/** A frame is these bytes, then one IP packet. */
export const virtioHeaderBytes = 10;

/** flags: the checksum field at csum_start + csum_offset holds the pseudo-header's sum alone. */
export const needsChecksum = 1;
/** flags: whoever gave the packet has seen that its checksum holds. */
export const checksumValid = 2;

/** gso_type; `ecn` may be added to either. */
export const gso = { none: 0, tcp4: 1, tcp6: 4, ecn: 0x80 } as const;

/** Nothing left to do: a packet that is complete in itself. */
export function clearVirtioHeader(frame: Uint8Array): void {
  frame.fill(0, 0, virtioHeaderBytes);
}

/**
 * Leaves a checksum for the kernel to finish; its field must hold the pseudo-header's sum, not complemented.
 * @param start where the sum begins, in bytes from the IP header. @param offset of the field, from `start`.
 */
export function leaveChecksum(frame: Uint8Array, start: number, offset: number): void {
  clearVirtioHeader(frame);
  frame[0] = needsChecksum;
  frame[6] = start & 0xff;
  frame[7] = start >> 8;
  frame[8] = offset;
}

export const gsoTypeOf = (frame: Uint8Array): number => frame[1]! & ~gso.ecn;
export const checksumStartOf = (frame: Uint8Array): number => frame[6]! | (frame[7]! << 8);
export const checksumOffsetOf = (frame: Uint8Array): number => frame[8]! | (frame[9]! << 8);
