/**
 * Runs in a network and a mount namespace of its own, as a container does: /etc/resolv.conf is mounted from
 * outside and names a resolver on loopback, as Docker's. Starts that resolver and the Client's, lets an
 * unmodified program (glibc by `getent`) ask, and prints what it saw as one line of JSON.
 */
import { execFile } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { Acls, type NetworkAcl } from '#node-agents/client/acl.ts';
import { listenUdp } from '#node-agents/client/dns/listen-udp.ts';
import { createDnsResolver } from '#node-agents/client/dns/resolver.ts';
import { createUpstream } from '#node-agents/client/dns/upstream.ts';
import { installResolvConf, resolvConfPath } from '#node-agents/os/resolv-conf.ts';
import { formatIp } from '#schema/name/ip.ts';
import { deviceAddresses, SyntheticNames } from '#schema/name/synthetic.ts';
import { PrivateDns } from '../world/private-dns.ts';

const run = promisify(execFile);
const server = formatIp(deviceAddresses.v4);
const before = readFileSync(resolvConfPath, 'utf8');

async function lookUp(name: string): Promise<{ addresses: string[]; ms: number }> {
  const started = performance.now();
  const { stdout } = await run('getent', ['ahostsv4', name]).catch(() => ({ stdout: '' }));
  const addresses = [...new Set(stdout.split('\n').flatMap((line) => line.split(' ')[0] || []))];
  return { addresses, ms: Math.round(performance.now() - started) };
}

const docker = await PrivateDns.start({ 'example.test': ['198.51.100.7'] }, 53, '127.0.0.11');
const resource = { id: 'res_db', address: 'db.internal', tcp: 'all', udp: 'none', icmp: false };
const claims = { acl: { resources: [resource] } };
const acls = new Acls(1, new Map([['net_a', { claims } as unknown as NetworkAcl]]));
const resolver = createDnsResolver({
  ...{ acls: () => acls, nowMs: Date.now, exempt: () => new Set<string>() },
  names: new SyntheticNames('https://c/t/acme'),
  records: async () => ({ rcode: 2 }),
  log: { debug: () => {} },
});
const socket = createSocket('udp4').bind(53, server);
await once(socket, 'listening');
const held = installResolvConf({ server, onRewritten: () => {} });
const servers = () => held.nameservers().map((address) => ({ address, port: 53 }));
listenUdp(socket, { resolver, upstream: createUpstream({ servers }) });

const during = { own: await lookUp('db.internal'), other: await lookUp('example.test') };
const privatelyAsked = docker.asked.some((one) => one.includes('db.internal'));

// As after kill -9: the device is gone, its addresses unreachable, the file as we left it.
socket.close();
await run('ip', ['address', 'del', `${server}/32`, 'dev', 'lo']);
await run('ip', ['route', 'add', 'unreachable', '100.96.0.0/12']);
const killed = { own: await lookUp('db.internal'), other: await lookUp('example.test') };

held.restore();
const restored = readFileSync(resolvConfPath, 'utf8') === before;
process.stdout.write(`${JSON.stringify({ during, privatelyAsked, killed, restored })}\n`);
docker.stop();
