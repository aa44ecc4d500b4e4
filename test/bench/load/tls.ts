/**
 * A flow of the generator in one TLS 1.3 connection of its own, as the agents speak it: both keys pinned, read in
 * place. Nothing else is on the way, so that this is what any tunnel with such TLS is measured against.
 */
import { connect, type Socket } from 'node:net';
import { createIdentity, type Identity } from '#node-agents/link/identity.ts';
import { connectPinned } from '#node-agents/link/pinned-tls.ts';
import { readInPlace } from '#node-agents/link/read-in-place.ts';
import type { ConnectorHash } from '#schema/ids.ts';
import type { Receiver } from './flow.ts';

const timeoutMs = 10_000;
/** One for all flows, as a Client has one. */
let made: Promise<Identity> | undefined;

export async function openTls(
  { host, port }: { host: string; port: number },
  connectorHash: ConnectorHash,
  buffer: Buffer,
  receiver: Receiver,
): Promise<Socket> {
  made ??= createIdentity();
  const identity = await made;
  const plain = connect({ host, port, noDelay: true, allowHalfOpen: true });
  const socket = await connectPinned(plain, { identity, connectorHash, timeoutMs });
  readInPlace(
    socket,
    () => buffer,
    (chunk) => receiver.bytes(chunk, chunk.length),
  );
  socket.once('end', () => receiver.end());
  socket.on('error', (error) => receiver.fail(error));
  return socket;
}
