/**
 * Changes addresses and ports of a TCP segment in place, as a router that translates addresses does, and corrects
 * the checksums by differences that were computed once for the flow. The "system stack" of transparent mode
 * rests on it: the kernel's own TCP terminates the flow at a local listener. Used by `transparent/flows.ts`.
 */
import { changed, changedPartial, deltaOf, fold, sumOf } from './checksum.ts';
import { get16, ipStart, type PacketView, put16 } from './view.ts';
import { clearVirtioHeader } from './virtio.ts';

/** One end of a flow: an address of 4 or 16 bytes, and a port. */
export interface End {
  address: Uint8Array;
  port: number;
}

/** What one direction of one flow is rewritten to. */
export interface Rewrite {
  /** Source and destination address, one after the other. */
  readonly addresses: Uint8Array;
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** Of the IP header's checksum, and of one that is half done. */
  readonly addressDelta: number;
  /** Of a complete transport checksum: addresses and ports. */
  readonly fullDelta: number;
}

/** All four addresses of one family. */
export function rewriteOf(
  from: { source: End; destination: End },
  to: { source: End; destination: End },
): Rewrite {
  const before = joined(from.source.address, from.destination.address);
  const addresses = joined(to.source.address, to.destination.address);
  const addressDelta = deltaOf(before, addresses);
  const ports = fold(
    (~from.source.port & 0xffff) + (~from.destination.port & 0xffff) + to.source.port + to.destination.port,
  );
  return {
    addresses,
    sourcePort: to.source.port,
    destinationPort: to.destination.port,
    addressDelta,
    fullDelta: fold(addressDelta + ports),
  };
}

/** Rewrites the TCP segment that `view` was parsed from; the view itself still shows what was there before. */
export function rewriteTcp(view: PacketView, to: Rewrite): void {
  const { frame, transport } = view;
  const { addresses } = to;
  const at = view.sourceAt;
  for (let i = 0; i < addresses.length; i++) frame[at + i] = addresses[i]!;
  put16(frame, transport, to.sourcePort);
  put16(frame, transport + 2, to.destinationPort);
  if (view.family === 4) {
    put16(frame, ipStart + 10, changed(get16(frame, ipStart + 10), to.addressDelta));
  }
  const field = get16(frame, transport + 16);
  put16(
    frame,
    transport + 16,
    view.partial ? changedPartial(field, to.addressDelta) : changed(field, to.fullDelta),
  );
}

/**
 * Finishes a half-done TCP checksum and clears the virtio header, so that the packet is complete in itself: for
 * one that does not go back through the device. Not for what is to be segmented.
 */
export function finishChecksum(view: PacketView): void {
  const { frame, transport, end } = view;
  if (view.partial) put16(frame, transport + 16, ~sumOf(frame, transport, end) & 0xffff);
  view.partial = false;
  clearVirtioHeader(frame);
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(a.length + b.length);
  bytes.set(a);
  bytes.set(b, a.length);
  return bytes;
}
