/**
 * Floods addresses with SYNs or datagrams from a raw socket, no more of them and no faster than told. For the
 * network namespaces of a test alone, as a program of its own there: `node flood.ts '{"kind":"syn",…}'`.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { openInjector } from '#node-agents/os/raw-socket.ts';
import { parseIp } from '#schema/name/ip.ts';
import { ipStart } from '#schema/packet/view.ts';
import { tcpSegment, udpDatagram } from '../fuzz/segments.ts';

export interface Flood {
  kind: 'syn' | 'udp';
  /** The first of them; the others follow it in the last byte. */
  source: string;
  sources?: number;
  destination: string;
  destinations?: number;
  /** First and last port that is tried, in turn. */
  ports: [number, number];
  count: number;
  perSecond: number;
}

const tickMs = 10;

/** @returns how many the kernel took. */
async function flood(o: Flood): Promise<number> {
  const injector = openInjector();
  if (injector === undefined) throw new Error('a raw socket wants CAP_NET_RAW');
  const [from, to] = o.ports;
  const build = o.kind === 'syn' ? tcpSegment : udpDatagram;
  const begun = performance.now();
  let taken = 0;
  for (let i = 0; i < o.count; i++) {
    while (i > ((performance.now() - begun) * o.perSecond) / 1000) await sleep(tickMs);
    const packet = build({
      source: nth(o.source, i % (o.sources ?? 1)),
      sourcePort: 1_024 + (i % 60_000),
      destination: nth(o.destination, i % (o.destinations ?? 1)),
      destinationPort: from + (i % (to - from + 1)),
      flags: 0x02,
      seq: i,
      data: new Uint8Array(o.kind === 'syn' ? 0 : 32),
    });
    if (injector.inject(packet.subarray(ipStart))) taken++;
  }
  injector.close();
  return taken;
}

function nth(first: string, n: number): Uint8Array {
  const bytes = parseIp(first)!.bytes.slice();
  bytes[bytes.length - 1]! += n;
  return bytes;
}

if (import.meta.main) console.log(await flood(JSON.parse(process.argv[2]!)));
