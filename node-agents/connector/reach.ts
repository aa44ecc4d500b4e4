/**
 * Reaches a destination by its protocol: a TCP connection that was accepted (`connect.ts`), a UDP
 * association (`datagrams.ts`) or a ping socket (`echo.ts`), all joined to the flow in the same way afterwards.
 */
import type { Destination } from '#schema/acl/document.ts';
import { refuse, type Verdict } from '#schema/errors.ts';
import type { Ip } from '#schema/name/ip.ts';
import type { Flow } from '../link/tunnel/flow.ts';
import { connect } from './connect.ts';
import { associate, relayDatagrams } from './datagrams.ts';
import { openEcho, relayEchoes } from './echo.ts';
import { forward, type Joined } from './forward.ts';

export interface Reached {
  /** The address that answered. */
  address: string;
  join(flow: Flow): Joined;
  /** It is not wanted any more. */
  discard(): void;
}

/** Resolves, never rejects. Records (`dns`) are asked elsewhere. */
export async function reach(
  { protocol, port }: Destination,
  addresses: readonly Ip[],
  signal: AbortSignal,
): Promise<Verdict<Reached>> {
  if (protocol === 'icmp') {
    const opened = openEcho(addresses);
    if (!opened.ok) return opened;
    return {
      ok: true,
      address: opened.address,
      join: (flow) => relayEchoes(flow, opened),
      discard: () => opened.socket.close(),
    };
  }
  if (port === undefined || protocol === 'dns') return refuse('version_unsupported');
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
