/**
 * Where our resolver itself is asked: by programs whose host was told of it (`dns-entrance.ts`), and with
 * `--dns-listen` by devices behind a gateway. Names that are not protected go on to this host's resolvers.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, isIPv6 } from 'node:net';
import type { DnsSockets } from '#node-agents/link/ask-dns.ts';
import type { ListenAddress } from '#node-agents/process/config.ts';
import { type ErrorCode, SallyportError } from '#schema/errors.ts';
import { listenTcp } from '../dns/listen-tcp.ts';
import { listenUdp } from '../dns/listen-udp.ts';
import type { DnsResolver } from '../dns/resolver.ts';
import { createUpstream } from '../dns/upstream.ts';

export interface DoorsOptions {
  resolver: DnsResolver;
  /** Of this host: asked for what is not protected. */
  nameservers(): readonly string[];
  sockets: DnsSockets;
  /** Of `upstream.ts`. */
  room: { left: number };
  allows(address: string): boolean;
}

/** Connections of all devices at a time. */
const mostConnections = 512;

const listenErrors: Record<string, ErrorCode> = {
  EADDRINUSE: 'address_in_use',
  // An interface that comes up after us: a supervisor is to try again.
  EADDRNOTAVAIL: 'tun_unavailable',
};

/** @returns closes them. @throws SallyportError address_in_use, tun_unavailable, config_invalid. */
export async function openDnsDoors(
  at: readonly ListenAddress[],
  { resolver, nameservers, sockets, room, allows }: DoorsOptions,
): Promise<() => void> {
  const open: { close(): void }[] = [];
  const close = () => {
    for (const one of open.splice(0)) one.close();
  };
  const servers = () => nameservers().map((address) => ({ address, port: 53 }));
  const connect = () => {
    const [first] = servers();
    return first && sockets.tcp(first);
  };
  const listener = { resolver, allows, connect, upstream: createUpstream({ servers, sockets, room }) };
  try {
    for (const { host, port } of at) {
      const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
      open.push(socket);
      socket.bind(port, host);
      await once(socket, 'listening');
      socket.on('error', () => {});
      listenUdp(socket, listener);
      const server = createServer({ allowHalfOpen: true, noDelay: true }, (one) => listenTcp(one, listener));
      server.maxConnections = mostConnections;
      open.push(server);
      server.listen(port, host);
      await once(server, 'listening');
      server.on('error', () => {});
    }
  } catch (cause) {
    close();
    const { code } = cause as NodeJS.ErrnoException;
    const why = `port 53 of the device, or --dns-listen: cannot listen there (${code})`;
    throw new SallyportError(listenErrors[code ?? ''] ?? 'config_invalid', why, { cause });
  }
  return close;
}
