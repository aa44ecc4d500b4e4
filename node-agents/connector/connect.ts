/**
 * A TCP connection to the first of several addresses that accepts (RFC 8305 §5: the next is tried at once
 * when one fails, or beside it when it takes long). `resolve.ts` has said which addresses are allowed;
 * `forward.ts` joins what comes back to the flow.
 */
import { connect as connectTcp, type Socket } from 'node:net';
import { type ErrorCode, refuse, type Verdict } from '#schema/errors.ts';
import { formatIp, type Ip } from '#schema/name/ip.ts';
import { codeOfSocketError } from '../link/socket-error.ts';
import { limits } from './limits.ts';

export type ConnectVerdict = Verdict<{ socket: Socket; address: string }>;

/** Resolves, never rejects. Once `signal` is aborted nothing stays open. */
export function connect(
  addresses: readonly Ip[],
  port: number,
  signal: AbortSignal,
  { connectMs, connectStaggerMs }: { connectMs: number; connectStaggerMs: number } = limits,
): Promise<ConnectVerdict> {
  return new Promise((done) => {
    const trying = new Set<Socket>();
    let next = 0;
    let first: ErrorCode | undefined;
    let stagger: NodeJS.Timeout | undefined;

    const finish = (verdict: ConnectVerdict): void => {
      clearTimeout(stagger);
      clearTimeout(deadline);
      signal.removeEventListener('abort', onAbort);
      for (const socket of trying) socket.destroy();
      trying.clear();
      done(verdict);
    };
    const onAbort = (): void => finish(refuse('cancelled'));
    const deadline = setTimeout(() => finish(refuse(first ?? 'connection_timeout')), connectMs);

    const attempt = (): void => {
      clearTimeout(stagger);
      const ip = addresses[next++];
      if (ip === undefined) {
        if (trying.size === 0) finish(refuse(first ?? 'host_unreachable'));
        return;
      }
      const address = formatIp(ip);
      const socket = connectTcp({ host: address, port, noDelay: true, allowHalfOpen: true });
      trying.add(socket);
      const onError = (error: Error): void => {
        // Once the promise is settled, an error of the losers concerns nobody.
        if (!trying.delete(socket)) return;
        first ??= codeOfSocketError(error);
        attempt();
      };
      socket.on('error', onError);
      socket.once('connect', () => {
        if (!trying.delete(socket)) return;
        socket.off('error', onError);
        finish({ ok: true, socket, address });
      });
      if (next < addresses.length) stagger = setTimeout(attempt, connectStaggerMs);
    };

    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort);
    attempt();
  });
}
