/**
 * Makes a path to one Connector through a relay: connection token, relay (`link/relay/meet.ts`), pinned TLS,
 * HELLO. A direct one (`direct-path.ts`) ends the same way. Whether one is wanted, and which of several takes
 * the flows, is `connector-link.ts`.
 */
import type { TLSSocket } from 'node:tls';
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
  /** Undefined for a direct one. */
  relay: RelayEntry | undefined;
}

const handshakeMs = 8_000;

/** @throws SallyportError why there is none. */
export async function makePath(context: PathContext, o: PathOptions): Promise<Path> {
  const { identity, clock, host, outward, token } = context;
  const { hash, relays, acl, signal } = o;
  const connectionToken = await token(hash);
  const { random } = host;
  const meeting = await connectThrough({
    ...{ relays, connectionToken, identity, clock, random, signal, outward },
    timeoutMs: handshakeMs,
  });
  const connectorHash = hash as ConnectorHash;
  const socket = await connectPinned(meeting.stream, { identity, connectorHash, timeoutMs: handshakeMs });
  const tunnel = await openTunnel(context, socket, { connectionToken, acl, signal, timeoutMs: handshakeMs });
  return { tunnel, relay: meeting.relay };
}

/** What follows once the Connector has proved who it is. @throws SallyportError its refusal; the socket is closed then. */
export async function openTunnel(
  { host: { log, monotonic } }: PathContext,
  socket: TLSSocket,
  o: Pick<PathOptions, 'acl' | 'signal'> & { connectionToken: string; timeoutMs: number },
): Promise<ClientTunnel> {
  const { connectionToken, acl: currentAcl, signal, timeoutMs } = o;
  if (signal.aborted) {
    socket.destroy();
    throw new SallyportError('cancelled');
  }
  const acl = currentAcl();
  const tunnel = await ClientTunnel.open(socket, { connectionToken, acl, log, now: monotonic, timeoutMs });
  if (signal.aborted) {
    tunnel.close();
    throw new SallyportError('cancelled');
  }
  // A newer one may have come while the Connector was judging this one.
  if (currentAcl() !== acl) tunnel.renewAcl(currentAcl());
  return tunnel;
}
