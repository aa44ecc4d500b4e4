/**
 * A TCP connection to the first of several addresses that accepts (RFC 8305 §5: the next is tried at once
 * when one fails, or beside it when it takes long). The Connector reaches destinations with it, transparent
 * mode the Controller and the relays, each by sockets of its own kind.
 */
import type { Socket } from 'node:net';
import { formatIp, type Ip } from '#schema/name/ip.ts';

export interface ConnectFirst {
  addresses: readonly Ip[];
  /** Begins to connect. */
  dial(address: string): Socket;
  /** Milliseconds in all, and until the next address is tried beside the one before. */
  connectMs: number;
  connectStaggerMs: number;
  signal?: AbortSignal | undefined;
}

/**
 * Once it has rejected nothing stays open.
 * @throws (rejects) the first socket's error; ETIMEDOUT, ABORT_ERR, or EHOSTUNREACH without an address.
 */
export function connectFirst(o: ConnectFirst): Promise<{ socket: Socket; address: string }> {
  const { addresses, signal } = o;
  return new Promise((resolve, reject) => {
    const trying = new Set<Socket>();
    let next = 0;
    let first: Error | undefined;
    let stagger: NodeJS.Timeout | undefined;

    const settle = (): void => {
      clearTimeout(stagger);
      clearTimeout(deadline);
      signal?.removeEventListener('abort', onAbort);
      for (const socket of trying) socket.destroy();
      trying.clear();
    };
    const fail = (error: Error): void => {
      settle();
      reject(error);
    };
    const onAbort = (): void => fail(failure('ABORT_ERR', 'nobody wants it any more'));
    const deadline = setTimeout(
      () => fail(first ?? failure('ETIMEDOUT', 'nobody answers in time')),
      o.connectMs,
    );

    const attempt = (): void => {
      clearTimeout(stagger);
      const ip = addresses[next++];
      if (ip === undefined) {
        if (trying.size === 0) fail(first ?? failure('EHOSTUNREACH', 'there is no address'));
        return;
      }
      const address = formatIp(ip);
      let socket: Socket;
      try {
        socket = o.dial(address);
      } catch (error) {
        // No descriptors, no permission: no other address changes that.
        return fail(error as Error);
      }
      trying.add(socket);
      const onError = (error: Error): void => {
        // Once the promise is settled, an error of the losers concerns nobody.
        if (!trying.delete(socket)) return;
        first ??= error;
        attempt();
      };
      socket.on('error', onError);
      socket.once('connect', () => {
        if (!trying.delete(socket)) return;
        socket.off('error', onError);
        settle();
        resolve({ socket, address });
      });
      if (next < addresses.length) stagger = setTimeout(attempt, o.connectStaggerMs);
    };

    if (signal?.aborted) return onAbort();
    signal?.addEventListener('abort', onAbort);
    attempt();
  });
}

const failure = (code: string, message: string): Error => Object.assign(new Error(message), { code });
