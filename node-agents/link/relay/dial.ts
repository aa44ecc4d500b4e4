/**
 * Goes through one door of a relay (`schema/relay/wire.ts`) and hands back the byte stream behind it: after
 * a raw upgrade the socket itself, so that TLS runs natively on it; over a WebSocket a stream with the same
 * manners. Before it stands `meet.ts` (Client) or `register.ts` (Connector), after it `../pinned-tls.ts`.
 */
import { request as requestTls } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { request as requestPlain } from '#node-agents/process/http.ts';
import type { RelayEntry } from '#schema/control/messages.ts';
import { SallyportError } from '#schema/errors.ts';
import { rawUpgrade, relayLimits, relayPaths, relayProtocol } from '#schema/relay/wire.ts';
import { refusalOf, timedOut, unreachable } from '../failure.ts';
import { agentFor, type Outward } from '../outward.ts';

export type Door = 'connect' | 'accept';

export interface DialOptions {
  relay: RelayEntry;
  door: Door;
  /** Made anew for each carrier that is tried: a proof is good for one request. */
  headers: Record<string, string> | (() => Promise<Record<string, string>>);
  /** For everything until the stream is there. */
  timeoutMs: number;
  signal?: AbortSignal;
  outward?: Outward | undefined;
}

interface Attempt {
  url: string;
  headers: Record<string, string>;
  timeoutMs: number;
  signal: AbortSignal | undefined;
  outward: Outward | undefined;
}

/**
 * Tries the relay's carriers in order; the next one only where something in between does not let the
 * upgrade pass. What the relay itself refuses is final.
 * @throws SallyportError the relay's code, or relay_unreachable.
 */
export async function dialRelay(o: DialOptions): Promise<Duplex> {
  const url = doorUrl(o.relay, o.door);
  let failure: unknown = new SallyportError('relay_unreachable', `${o.relay.url} offers no known carrier`);
  for (const carrier of o.relay.carriers) {
    const headers = typeof o.headers === 'function' ? await o.headers() : o.headers;
    const attempt = { url, headers, timeoutMs: o.timeoutMs, signal: o.signal, outward: o.outward };
    try {
      return await (carrier === 'raw' ? dialRaw(attempt) : dialWebSocket(attempt));
    } catch (error) {
      if (!mayBeTheCarrier(error)) throw error;
      failure = error;
    }
  }
  throw failure;
}

/** The URL that a proof for this door names. */
export function doorUrl(relay: RelayEntry, door: keyof typeof relayPaths): string {
  return relay.url.replace(/\/+$/, '') + relayPaths[door];
}

function dialRaw({ url, headers, timeoutMs, signal, outward }: Attempt): Promise<Socket> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(new SallyportError('cancelled'));
    const request = (url.startsWith('https:') ? requestTls : requestPlain)(url, {
      agent: agentFor(url, outward) ?? false,
      headers: { ...headers, connection: 'Upgrade', upgrade: rawUpgrade },
    });
    const timer = setTimeout(() => fail(unreachable('relay_unreachable', url, timedOut())), timeoutMs);
    const onAbort = () => fail(new SallyportError('cancelled'));
    const settle = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    };
    const fail = (error: SallyportError) => {
      settle();
      reject(error);
      request.destroy();
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    request.on('error', (error) => fail(unreachable('relay_unreachable', url, error)));
    request.once('response', (response) => {
      refusalOf(response, 'relay_unreachable', url).then(fail);
    });
    request.once('upgrade', (_response, socket: Socket, head: Buffer) => {
      settle();
      socket.setNoDelay(true);
      socket.setTimeout(0);
      if (head.length > 0) socket.unshift(head);
      resolve(socket);
    });
    request.end();
  });
}

/** Loaded where it is needed: most relays take the raw stream, and a Client wants to start quickly. */
async function dialWebSocket({ url, headers, timeoutMs, signal, outward }: Attempt): Promise<Duplex> {
  const [{ openWebSocket }, { WebSocketCarrier }] = await Promise.all([
    import('../websocket.ts'),
    import('./websocket-carrier.ts'),
  ]);
  const socket = await openWebSocket({
    url,
    headers,
    protocol: relayProtocol,
    messageBytes: relayLimits.messageBytes,
    timeoutMs,
    ...(signal && { signal }),
    code: 'relay_unreachable',
    ciphertext: true,
    outward,
  });
  return new WebSocketCarrier(socket);
}

/** An answer without a problem document, or a connection cut during the upgrade: the mark of a middlebox. */
function mayBeTheCarrier(error: unknown): boolean {
  if (!(error instanceof SallyportError) || error.code !== 'relay_unreachable') return false;
  const code = (error.cause as NodeJS.ErrnoException | undefined)?.code;
  return error.cause === undefined || code === 'ECONNRESET' || String(code).startsWith('HPE_');
}
