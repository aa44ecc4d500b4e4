/** Proves schema/packet/fragment.ts: what is cut passes every link, and is whole again at its destination. */
import { expect, test } from 'vitest';
import { parseIp } from '#schema/name/ip.ts';
import { buildEchoReply, buildUdp, longestBuilt } from '#schema/packet/build.ts';
import { transportChecksumHolds } from '#schema/packet/checksum.ts';
import { fragmentsOf, longestWhole } from '#schema/packet/fragment.ts';
import { parseFrame } from '#schema/packet/parse.ts';
import { Reassembly } from '#schema/packet/reassemble.ts';
import { ipStart, PacketView } from '#schema/packet/view.ts';

const source = parseIp('fd66::10')!.bytes;
const destination = parseIp('fd77::2')!.bytes;
const data = new Uint8Array(9_000).map((_, at) => at * 7);

function joined(frame: Uint8Array): PacketView {
  const reassembly = new Reassembly();
  const view = new PacketView();
  let whole: Uint8Array | undefined;
  for (const piece of fragmentsOf(frame, 77)) {
    expect(whole).toBeUndefined();
    expect(piece.length).toBeLessThanOrEqual(longestWhole);
    expect([...piece.subarray(0, ipStart)]).toEqual(new Array(ipStart).fill(0));
    expect(parseFrame(view, piece, piece.length)).toBeUndefined();
    whole = reassembly.push(view, 0);
  }
  expect(parseFrame(view, whole!, whole!.length)).toBeUndefined();
  return view;
}

test('a datagram whose checksum the kernel was to finish', () => {
  const out = new Uint8Array(longestBuilt);
  const length = buildUdp(out, { source, sourcePort: 53, destination, destinationPort: 4_000, data, id: 1 });
  const view = joined(out.subarray(0, length));
  expect([view.source, view.destination]).toEqual([source, destination]);
  expect([view.sourcePort, view.destinationPort]).toEqual([53, 4_000]);
  expect(Buffer.from(view.data).equals(data)).toBe(true);
  expect([view.partial, transportChecksumHolds(view)]).toEqual([false, true]);
});

test('a ping’s answer', () => {
  const out = new Uint8Array(longestBuilt);
  const echo = { source, destination, identifier: 5, sequence: 6, data, id: 1 };
  const view = joined(out.subarray(0, buildEchoReply(out, echo)));
  expect([view.icmpType, transportChecksumHolds(view)]).toEqual([129, true]);
  expect(Buffer.from(view.data).equals(data)).toBe(true);
});
