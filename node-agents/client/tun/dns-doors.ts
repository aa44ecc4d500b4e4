/**
 * `--dns-listen`: where devices behind a gateway ask for names when they ask the gateway itself. The same
 * answers as for programs of this host; names that are not protected go on to this host's own resolvers.
 */
import { createSocket } from 'node:dgram';
import { getServers } from 'node:dns';
import { once } from 'node:events';
import { createServer, isIPv6 } from 'node:net';
import type { DnsServer, DnsSockets } from '#node-agents/link/ask-dns.ts';
import type { ListenAddress } from '#node-agents/process/config.ts';
import { SallyportError } from '#schema/errors.ts';
import { parseIp } from '#schema/name/ip.ts';
import { listenTcp } from '../dns/listen-tcp.ts';
import { listenUdp } from '../dns/listen-udp.ts';
import type { DnsResolver } from '../dns/resolver.ts';
import { createUpstream } from '../dns/upstream.ts';

export interface DoorsOptions {
  resolver: DnsResolver;
  sockets: DnsSockets;
  allows(address: string): boolean;
}

/** Connections of all devices at a time. */
const mostConnections = 512;

/** @returns closes them. @throws SallyportError address_in_use, config_invalid. */
export async function openDnsDoors(
  at: readonly ListenAddress[],
  { resolver, sockets, allows }: DoorsOptions,
): Promise<() => void> {
  const open: { close(): void }[] = [];
  const close = () => {
    for (const one of open.splice(0)) one.close();
  };
  const listener = { resolver, allows, upstream: createUpstream({ servers: hostResolvers, sockets }) };
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
    throw new SallyportError(
      code === 'EADDRINUSE' ? 'address_in_use' : 'config_invalid',
      `--dns-listen: cannot listen there (${code})`,
      { cause },
    );
  }
  return close;
}

/** As resolv.conf has them. */
function hostResolvers(): DnsServer[] {
  return getServers().flatMap((text) => {
    const [, six, four, port] = /^(?:\[([^\]]+)\]|([\d.]+))(?::(\d+))?$/.exec(text) ?? [];
    const address = six ?? four ?? text;
    return parseIp(address) ? [{ address, port: Number(port ?? 53) }] : [];
  });
}
