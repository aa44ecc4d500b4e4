/**
 * In transparent mode the Client's own connections to Controller and relays bear a mark that keeps them out of
 * the device (`os/route-plan.ts`): a Resource whose network happens to hold one of their addresses would
 * otherwise cut off the Client that serves it. Their names are asked like anybody's, and answered by the
 * host's resolver (`dns/protection.ts`). Connections straight out for programs bear none: whatever name led
 * there, a protected address is reached through the device or not at all.
 */
import { lookup } from 'node:dns/promises';
import type { DnsSockets } from '#node-agents/link/ask-dns.ts';
import { connectFirst } from '#node-agents/link/connect-first.ts';
import type { Outward } from '#node-agents/link/outward.ts';
import { connectMarked, createMarkedUdp } from '#node-agents/os/marked-socket.ts';
import { type Ip, parseIp } from '#schema/name/ip.ts';

const connectMs = 10_000;
const connectStaggerMs = 250;
/** Addresses of one name that are tried. */
const mostAddresses = 6;

/** Hosts whose last addresses are kept. */
const mostKept = 64;
const kept = new Map<string, Ip[]>();

export const markedOutward: Outward = async (host, port) => {
  const addresses = await addressesOf(host);
  const dial = (address: string) => connectMarked({ address, port });
  return (await connectFirst({ addresses, dial, connectMs, connectStaggerMs })).socket;
};

/** The last ones where the resolver fails: it may itself be waiting for what this Client is about to open. */
async function addressesOf(host: string): Promise<Ip[]> {
  try {
    const found = await lookup(host, { all: true, order: 'verbatim' });
    const addresses = found.slice(0, mostAddresses).flatMap(({ address }) => parseIp(address) ?? []);
    kept.delete(host);
    kept.set(host, addresses);
    if (kept.size > mostKept) kept.delete(kept.keys().next().value!);
    return addresses;
  } catch (error) {
    const last = kept.get(host);
    if (last === undefined) throw error;
    return last;
  }
}

/** For questions that are handed on to the host's resolvers. */
export const markedDns: DnsSockets = { udp: (family) => createMarkedUdp(family), tcp: connectMarked };
