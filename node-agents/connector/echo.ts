/**
 * ICMP echo: one ping socket per flow (`os/ping-socket.ts`), which needs no privilege beyond the group range.
 * Each datagram of the flow is a sequence number and data (`schema/tunnel/frames.ts`); the identifier is the
 * kernel's own, for a flow is one sequence of requests. Joined like UDP (`line.ts`).
 */
import { type Refusal, refuse, type Verdict } from '#schema/errors.ts';
import { formatIp, type Ip } from '#schema/name/ip.ts';
import type { Flow } from '../link/tunnel/flow.ts';
import { openPingSocket, type PingHandlers, type PingSocket } from '../os/ping-socket.ts';
import type { Joined } from './forward.ts';
import { joinLine } from './line.ts';

export interface EchoLine {
  socket: PingSocket;
  /** Of the destination. */
  address: string;
  /** What is heard goes to whoever joins. */
  handlers: PingHandlers;
}

/** The first address to which there is a route: whether anybody answers is what the echo is to show. */
export function openEcho(addresses: readonly Ip[], openSocket = openPingSocket): Verdict<EchoLine> {
  let first: Refusal | undefined;
  for (const ip of addresses) {
    const handlers: PingHandlers = { onReply: () => {}, onError: () => {} };
    const opened = openSocket(ip, {
      onReply: (sequence, payload) => handlers.onReply(sequence, payload),
      onError: (code) => handlers.onError(code),
    });
    if (opened.ok) return { ok: true, socket: opened.socket, address: formatIp(ip), handlers };
    first ??= opened;
  }
  return first ?? refuse('host_unreachable');
}

export function relayEchoes(flow: Flow, { socket, handlers }: EchoLine, idleMs?: number): Joined {
  const joined = joinLine(flow, () => socket.close(), idleMs);
  handlers.onReply = (sequence, payload) => {
    joined.moved();
    flow.sendDatagram(Buffer.concat([Buffer.of(sequence >> 8, sequence & 0xff), payload]));
  };
  handlers.onError = (code) => joined.cut(code);
  flow.takeDatagrams((bytes) => {
    joined.moved();
    if (bytes.length >= 2) socket.send((bytes[0]! << 8) | bytes[1]!, bytes.subarray(2));
  });
  return joined;
}
