/**
 * The resolvers that this host had before: questions that are none of ours go to them as they are, and their
 * answers come back as they are. `sockets` bear the daemon's mark, or the question would come back to us.
 * Asked by `resolver.ts`.
 */
import { askDns, type DnsServer, type DnsSockets } from '#node-agents/link/ask-dns.ts';
import type { Upstream } from './resolver.ts';

export interface UpstreamOptions {
  /** In the order in which they are asked; the one that a program asked itself where it is known. */
  servers(): readonly DnsServer[];
  sockets?: DnsSockets;
  /** Milliseconds for each. */
  timeoutMs?: number;
  /**
   * How many more questions may wait, shared by all who ask: silent resolvers keep each for its whole time, and
   * a socket with it. What finds no room fails at once.
   */
  room?: { left: number };
}

/** Programs ask again themselves after 5 s (resolv.conf(5)). */
const defaultTimeoutMs = 4_000;
/** As many as resolv.conf may name. */
const mostServers = 3;

export function createUpstream({
  servers,
  sockets,
  timeoutMs = defaultTimeoutMs,
  room = { left: Number.POSITIVE_INFINITY },
}: UpstreamOptions): Upstream {
  const ask: Upstream = async (query, over) => {
    let last: unknown = new Error('this host has no resolver');
    const all = servers().slice(0, mostServers);
    for (const server of all) {
      try {
        return await askDns(query, server, {
          over,
          timeoutMs: timeoutMs / all.length,
          ...(sockets && { sockets }),
        });
      } catch (error) {
        last = error;
      }
    }
    throw last;
  };
  return async (query, over) => {
    if (room.left <= 0) throw new Error('too many questions wait for the resolvers of this host');
    room.left--;
    try {
      return await ask(query, over);
    } finally {
      room.left++;
    }
  };
}
