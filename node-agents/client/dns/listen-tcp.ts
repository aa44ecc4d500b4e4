/**
 * Answers DNS questions over TCP (RFC 7766): a length of two bytes in front of each message, several under way
 * at once, answered as they are ready. The connection is one that somebody else has accepted, with
 * `allowHalfOpen`: who asks may have nothing more to ask before the answer is there. A zone transfer that is
 * none of ours has the connection for itself, straight to whoever was asked.
 */
import type { Socket } from 'node:net';
import { framed } from '#node-agents/link/ask-dns.ts';
import { canonicalHost } from '#schema/name/host.ts';
import { maxMessage } from '#schema/name/message.ts';
import { splice } from '../splice.ts';
import type { DnsListenerOptions } from './listen-udp.ts';

/** Questions of one connection under way; what comes beyond waits unread. */
const mostUnderWay = 16;
/** Milliseconds without a question and without one under way (RFC 7766 §6.2.3). */
const idleMs = 10_000;
/** Bytes of answers that wait for somebody who asks and does not read. */
const mostUnsent = 4 * maxMessage;
/** Milliseconds without a byte of a zone transfer. */
const transferIdleMs = 60_000;

/** @param clientAddress of the program or device; the socket's own peer when absent. */
export function listenTcp(
  socket: Socket,
  { resolver, upstream, connect, allows }: DnsListenerOptions,
  clientAddress = canonicalHost((socket.remoteAddress ?? '').replace(/%.*$/, '')) ?? '',
): void {
  socket.on('error', () => {});
  if (allows?.(clientAddress) === false) return void socket.destroy();
  let held: Buffer = Buffer.alloc(0);
  let underWay = 0;
  let ended = false;
  const idle = setTimeout(() => (underWay === 0 ? socket.destroy() : idle.refresh()), idleMs);

  const answerOne = async (bytes: Uint8Array): Promise<void> => {
    underWay++;
    idle.refresh();
    const answer = await resolver.answer({ bytes, over: 'tcp', clientAddress, upstream });
    underWay--;
    if (socket.destroyed) return;
    // What is no question deserves no more of them.
    if (answer === undefined || socket.writableLength > mostUnsent) return void socket.destroy();
    socket.write(framed(answer));
    if (ended && underWay === 0 && !cut()) socket.end();
    takeAll();
  };
  const cut = (): Buffer | undefined => {
    if (held.length < 2 || held.length < 2 + held.readUInt16BE(0)) return undefined;
    return held.subarray(2, 2 + held.readUInt16BE(0));
  };
  const takeAll = (): void => {
    for (let message = cut(); message !== undefined && underWay < mostUnderWay; message = cut()) {
      if (resolver.isTransfer(message)) return handOver();
      held = held.subarray(2 + message.length);
      void answerOne(message);
    }
    if (underWay >= mostUnderWay) socket.pause();
    else socket.resume();
  };

  /** Answers of ours among its messages would break them: so it must not share with questions under way. */
  const handOver = (): void => {
    const far = underWay === 0 ? connect() : undefined;
    if (far === undefined) return void socket.destroy();
    clearTimeout(idle);
    socket.off('data', onData).off('end', onEnd);
    far.setTimeout(transferIdleMs, () => far.destroy());
    splice(socket, far, held);
  };
  const onData = (chunk: Buffer): void => {
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    takeAll();
  };
  const onEnd = (): void => {
    ended = true;
    if (underWay === 0) socket.end();
  };

  socket.on('data', onData);
  socket.on('end', onEnd);
  socket.on('close', () => clearTimeout(idle));
}
