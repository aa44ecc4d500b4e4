/**
 * Makes a path to one Connector: connection token, relay (`link/relay/meet.ts`), pinned TLS, HELLO. Whether
 * one is wanted, and which of several takes the flows, is `connector-link.ts`.
 */
import type { ControllerClock } from '#node-agents/link/clock.ts';
import type { Identity } from '#node-agents/link/identity.ts';
import type { Outward } from '#node-agents/link/outward.ts';
import { connectPinned } from '#node-agents/link/pinned-tls.ts';
import { connectThrough } from '#node-agents/link/relay/meet.ts';
import { ClientTunnel } from '#node-agents/link/tunnel/client.ts';
import type { Host } from '#node-agents/process/host.ts';
import type { RelayEntry } from '#schema/control/messages.ts';
import { SallyportError } from '#schema/errors.ts';
import type { ConnectorHash } from '#schema/ids.ts';

export interface PathContext {
  identity: Identity;
  clock: ControllerClock;
  host: Host;
  outward?: Outward | undefined;
  /** A connection token for this Connector. Single use. */
  token(hash: string): Promise<string>;
}

export interface PathOptions {
  hash: string;
  /** Where the Connector waits, in order of preference. */
  relays: readonly RelayEntry[];
  /** The signed Client ACL of the Connector's network, as it is now. */
  acl(): string;
  signal: AbortSignal;
}

/** A tunnel, and what carries it. */
export interface Path {
  tunnel: ClientTunnel;
  relay: RelayEntry;
}

const handshakeMs = 8_000;

/** @throws SallyportError why there is none. */
export async function makePath(context: PathContext, o: PathOptions): Promise<Path> {
  const { identity, clock, host, outward, token } = context;
  const { hash, relays, acl: currentAcl, signal } = o;
  const connectionToken = await token(hash);
  const { random, log, monotonic } = host;
  const meeting = await connectThrough({
    ...{ relays, connectionToken, identity, clock, random, signal, outward },
    timeoutMs: handshakeMs,
  });
  const connectorHash = hash as ConnectorHash;
  const socket = await connectPinned(meeting.stream, { identity, connectorHash, timeoutMs: handshakeMs });
  if (signal.aborted) {
    socket.destroy();
    throw new SallyportError('cancelled');
  }
  const acl = currentAcl();
  const tunnel = await ClientTunnel.open(socket, {
    connectionToken,
    acl,
    log,
    now: monotonic,
    timeoutMs: handshakeMs,
  });
  if (signal.aborted) {
    tunnel.close();
    throw new SallyportError('cancelled');
  }
  // A newer one may have come while the Connector was judging this one.
  if (currentAcl() !== acl) tunnel.renewAcl(currentAcl());
  return { tunnel, relay: meeting.relay };
}
