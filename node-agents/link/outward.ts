/**
 * How an agent opens its own connections to Controller and relays: in node's way, or in the way of whoever
 * must keep them out of something, as transparent mode keeps them out of its own device
 * (`client/tun/own-sockets.ts`). Every HTTP request and WebSocket of this folder asks here for its agent.
 */
import type { ClientRequestArgs, Agent as PlainAgent } from 'node:http';
import { Agent as TlsAgent } from 'node:https';
import { isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { Agent } from '#node-agents/process/http.ts';

/**
 * Resolves once one of the host's addresses has accepted.
 * @param host a name or a literal, without brackets.
 * @throws (rejects) the socket's error.
 */
export type Outward = (host: string, port: number) => Promise<Socket>;

/** For one request; undefined stands for node's way. */
export function agentFor(url: string, outward: Outward | undefined): PlainAgent | undefined {
  if (outward === undefined) return undefined;
  const { protocol, hostname, port } = new URL(url);
  const secure = protocol === 'https:' || protocol === 'wss:';
  const host = hostname.replace(/^\[|\]$/g, '');
  const createConnection = (_: ClientRequestArgs, done?: (error: Error | null, socket?: Duplex) => void) => {
    outward(host, Number(port || (secure ? 443 : 80))).then(
      (socket) => done?.(null, secure ? overTls(socket, host) : socket),
      (error) => done?.(error),
    );
    return undefined;
  };
  return Object.assign(secure ? new TlsAgent() : new Agent(), { createConnection });
}

/** The handshake is waited for by whoever writes. */
const overTls = (socket: Socket, host: string): Duplex =>
  connectTls({ socket, host, ...(isIP(host) === 0 && { servername: host }), ALPNProtocols: ['http/1.1'] });
