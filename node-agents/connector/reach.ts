/**
 * Reaches a destination by its protocol: a TCP connection that was accepted (`connect.ts`) or a UDP
 * association (`datagrams.ts`), both joined to the flow in the same way afterwards.
 */
import type { Destination } from '#schema/acl/document.ts';
import { refuse, type Verdict } from '#schema/errors.ts';
import type { Ip } from '#schema/name/ip.ts';
import type { Flow } from '../link/tunnel/flow.ts';
import { connect } from './connect.ts';
import { associate, relayDatagrams } from './datagrams.ts';
import { forward, type Joined } from './forward.ts';

export interface Reached {
  /** The address that answered. */
  address: string;
  join(flow: Flow): Joined;
  /** It is not wanted any more. */
  discard(): void;
}

/** Resolves, never rejects. ICMP is not forwarded by this version. */
export async function reach(
  { protocol, port }: Destination,
  addresses: readonly Ip[],
  signal: AbortSignal,
): Promise<Verdict<Reached>> {
  if (port === undefined || protocol === 'icmp' || protocol === 'dns') return refuse('version_unsupported');
  if (protocol === 'udp') {
    const found = await associate(addresses, port);
    if (!found.ok) return found;
    const { address, socket } = found;
    return {
      ok: true,
      address,
      join: (flow) => relayDatagrams(flow, socket),
      discard: () => void socket.close(),
    };
  }
  const found = await connect(addresses, port, signal);
  if (!found.ok) return found;
  const { address, socket } = found;
  return { ok: true, address, join: (flow) => forward(flow, socket), discard: () => void socket.destroy() };
}
