/** A Client's and a Connector's end of one tunnel over real sockets on loopback, for the tests beside. */
import { once } from 'node:events';
import * as net from 'node:net';
import type { Duplex } from 'node:stream';
import { vi } from 'vitest';
import { createIdentity, type Identity } from '#node-agents/link/identity.ts';
import { acceptPinned, connectPinned } from '#node-agents/link/pinned-tls.ts';
import { ClientTunnel, type ClientTunnelOptions } from '#node-agents/link/tunnel/client.ts';
import {
  ConnectorTunnel,
  type ConnectorTunnelOptions,
  type FlowRequest,
} from '#node-agents/link/tunnel/connector.ts';
import { mintId } from '#schema/ids.ts';

export const connectionId = mintId('connection', new Uint8Array(16));
export const toOrigin = {
  connectionId,
  destination: { protocol: 'tcp', host: 'origin.internal', port: 80 } as const,
  clientAddress: '127.0.0.1',
};
const common = { log: { debug() {} }, now: () => performance.now() };

export interface Loopback {
  client: ClientTunnel;
  connector: ConnectorTunnel;
  /** Resolves with the code that the Connector's end closed with. */
  connectorClosed: Promise<string>;
  clientClosed: Promise<string>;
  /** The plain sockets below TLS. */
  raw: [client: net.Socket, connector: net.Socket];
  close(): Promise<void>;
}

export async function rawPair(): Promise<[client: net.Socket, connector: net.Socket]> {
  const server = net.createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const client = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1');
  const [connector] = (await once(server, 'connection')) as [net.Socket];
  server.close();
  for (const socket of [client, connector]) socket.on('error', () => {});
  return [client, connector];
}

/** The socket as a version of Node would have it that cannot read into a buffer of ours. */
export function plainData<S extends net.Socket>(socket: S): S {
  Object.assign((socket as unknown as { _handle: object })._handle, { useUserBuffer: undefined });
  return socket;
}

let identities: Promise<[Identity, Identity]> | undefined;

/** @param onFlow who answers flow requests at the Connector. @param own the Client's end alone has these. */
export async function loopback(
  onFlow: (request: FlowRequest) => void,
  more: Partial<ConnectorTunnelOptions & ClientTunnelOptions> = {},
  own: Partial<ClientTunnelOptions> = {},
): Promise<Loopback> {
  identities ??= Promise.all([createIdentity(), createIdentity()]);
  const [mine, theirs] = await identities;
  const raw = await rawPair();
  const [near, far] = await Promise.all([
    connectPinned(raw[0], { identity: mine, connectorHash: theirs.hash, timeoutMs: 5000 }),
    acceptPinned(raw[1], { identity: theirs, timeoutMs: 5000 }),
  ]);
  const closed = Promise.withResolvers<string>();
  const connector = new ConnectorTunnel(far.socket, {
    ...common,
    onHello: async () => ({ ok: true }),
    onAcl: async () => ({ ok: true }),
    onFlow,
    onClose: closed.resolve,
    ...more,
  });
  const client = ClientTunnel.start(near, {
    ...common,
    connectionToken: 'token',
    acl: 'acl',
    ...more,
    ...own,
  });
  const clientClosed = once(client, 'close').then(([code]) => code as string);
  return {
    client,
    connector,
    raw,
    connectorClosed: closed.promise,
    clientClosed,
    async close() {
      client.close();
      await Promise.all([closed.promise, clientClosed]);
    },
  };
}

/** All that a stream gives, as text; unlike `node:stream/consumers` it leaves the other direction open. */
export async function allOf(stream: Duplex): Promise<string> {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(stream, 'end');
  return Buffer.concat(chunks).toString();
}

/** Resolves when `value` stays the same for a while. */
export async function settled(value: () => number): Promise<void> {
  let before = Number.NaN;
  await vi.waitUntil(
    () => {
      const same = before === value();
      before = value();
      return same;
    },
    { interval: 100, timeout: 8000 },
  );
}
