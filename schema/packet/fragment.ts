/**
 * Cuts an IPv6 packet that may be too long for the way to its destination. Routers do not (RFC 8200 §4.5): a
 * datagram for a device behind a gateway must be cut by whoever makes it. `build.ts` makes it; the other way
 * round is `reassemble.ts`.
 */
import { sumOf } from './checksum.ts';
import { ipStart, put16, put32 } from './view.ts';
import { checksumOffsetOf, checksumStartOf, clearVirtioHeader, needsChecksum } from './virtio.ts';

/** What every link carries (RFC 8200 §5), the device's header included. */
export const longestWhole = ipStart + 1_280;

const ip6 = 40;
const extension = 8;
const fragmentHeader = 44;
/** A multiple of 8. */
const most = 1_280 - ip6 - extension;

/**
 * @param frame a whole IPv6 packet without extension headers, as `build.ts` leaves it; its checksum is finished here.
 * @param id different for each packet between the same two addresses.
 */
export function* fragmentsOf(frame: Uint8Array, id: number): Generator<Uint8Array> {
  finish(frame);
  const protocol = frame[ipStart + 6]!;
  const data = frame.subarray(ipStart + ip6);
  for (let offset = 0; offset < data.length; offset += most) {
    const part = data.subarray(offset, offset + most);
    const more = offset + most < data.length ? 1 : 0;
    const piece = new Uint8Array(ipStart + ip6 + extension + part.length);
    piece.set(frame.subarray(ipStart, ipStart + ip6), ipStart);
    put16(piece, ipStart + 4, extension + part.length);
    piece[ipStart + 6] = fragmentHeader;
    const at = ipStart + ip6;
    piece[at] = protocol;
    put16(piece, at + 2, offset | more);
    put32(piece, at + 4, id);
    piece.set(part, at + extension);
    yield piece;
  }
}

/** The kernel finishes none across pieces. */
function finish(frame: Uint8Array): void {
  if ((frame[0]! & needsChecksum) === 0) return;
  const start = ipStart + checksumStartOf(frame);
  const sum = ~sumOf(frame, start, frame.length) & 0xffff;
  // Zero would say that there is none (RFC 768).
  put16(frame, start + checksumOffsetOf(frame), sum === 0 ? 0xffff : sum);
  clearVirtioHeader(frame);
}
