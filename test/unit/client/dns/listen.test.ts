/**
 * Proves node-agents/client/dns/{listen-udp,listen-tcp,upstream}.ts and link/ask-dns.ts: questions over real
 * sockets, and what is none of ours handed on to a real server.
 */
import { createSocket, type Socket as DatagramSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { type DecodedPacket, decode, encode } from 'dns-packet';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Acls, type NetworkAcl } from '#node-agents/client/acl.ts';
import { listenTcp } from '#node-agents/client/dns/listen-tcp.ts';
import { type DnsListenerOptions, listenUdp } from '#node-agents/client/dns/listen-udp.ts';
import { createDnsResolver } from '#node-agents/client/dns/resolver.ts';
import { createUpstream } from '#node-agents/client/dns/upstream.ts';
import { askDns, framed } from '#node-agents/link/ask-dns.ts';
import { SyntheticNames } from '#schema/name/synthetic.ts';
import { PrivateDns } from '../../../world/private-dns.ts';
import { until } from '../../connector/place.ts';

const protectedName = { id: 'res_db', address: 'db.internal', tcp: 'all', udp: 'none', icmp: false };
const acls = new Acls(
  1,
  new Map([['net_a', { claims: { acl: { resources: [protectedName] } } } as unknown as NetworkAcl]]),
);
let host: PrivateDns;
let options: DnsListenerOptions;
let udp: DatagramSocket;
let tcp: Server;
let accepted: Socket[];
const at = () => ({ udp: udp.address().port, tcp: (tcp.address() as { port: number }).port });
const serverOf = (dns: PrivateDns) => ({ address: '127.0.0.1', port: Number(dns.address.split(':')[1]) });

beforeEach(async () => {
  host = await PrivateDns.start({ 'example.test': ['198.51.100.7'] });
  const resolver = createDnsResolver({
    ...{ acls: () => acls, nowMs: () => 0, exempt: () => new Set<string>() },
    names: new SyntheticNames('https://c/t/acme'),
    records: async () => ({ rcode: 2 }),
    log: { debug: () => {} },
  });
  const server = () => serverOf(host);
  const connectHost = () => connect(server().port, server().address);
  options = { resolver, upstream: createUpstream({ servers: () => [server()] }), connect: connectHost };
  udp = createSocket('udp4').bind(0, '127.0.0.1');
  await once(udp, 'listening');
  accepted = [];
  tcp = createServer({ allowHalfOpen: true }, (socket) => {
    accepted.push(socket);
    listenTcp(socket, options);
  }).listen(0, '127.0.0.1');
  await once(tcp, 'listening');
});
afterEach(() => {
  udp.close();
  for (const socket of accepted) socket.destroy();
  tcp.close();
  host.stop();
});

const query = (name: string, id = 5) =>
  encode({ type: 'query', id, flags: 0x100, questions: [{ type: 'A', name }] });
const ask = async (name: string, over: 'udp' | 'tcp', timeoutMs = 2_000) => {
  const server = { address: '127.0.0.1', port: at()[over] };
  const bytes = Buffer.from(await askDns(query(name), server, { over, timeoutMs }));
  // The types of dns-packet do not know that it reads the code.
  const { rcode, answers } = decode(bytes) as DecodedPacket & { rcode: string };
  return [rcode, ...(answers ?? []).map((one) => ('data' in one ? one.data : ''))];
};

describe.each(['udp', 'tcp'] as const)('over %s', (over) => {
  beforeEach(() => listenUdp(udp, options));

  test('a protected name is answered here, any other by the host’s resolver', async () => {
    expect(await ask('db.internal', over)).toEqual(['NOERROR', expect.stringMatching(/^100\./)]);
    expect(host.asked).toEqual([]);
    expect(await ask('example.test', over)).toEqual(['NOERROR', '198.51.100.7']);
    expect(await ask('missing.test', over)).toEqual(['NXDOMAIN']);
    expect(host.asked).toEqual([`${over} A example.test`, `${over} A missing.test`]);
  });

  test('a resolver that is not there is a failure, the next one is asked', async () => {
    const dead = { address: '127.0.0.1', port: 1 };
    options.upstream = createUpstream({ servers: () => [dead, serverOf(host)] });
    expect(await ask('example.test', over)).toEqual(['NOERROR', '198.51.100.7']);
    options.upstream = createUpstream({ servers: () => [dead] });
    expect(await ask('example.test', over)).toEqual(['SERVFAIL']);
    options.upstream = createUpstream({ servers: () => [] });
    expect(await ask('example.test', over)).toEqual(['SERVFAIL']);
  });

  test('whoever may not ask is not heard', async () => {
    options.allows = (address) => address !== '127.0.0.1';
    await expect(ask('db.internal', over, 100)).rejects.toThrow();
    expect(host.asked).toEqual([]);
  });
});

describe('a connection', () => {
  test('carries many questions, in pieces of any size, answered though nothing more is asked', async () => {
    const socket = connect(at().tcp, '127.0.0.1');
    const got: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => got.push(chunk));
    const many = Array.from({ length: 50 }, (_, i) =>
      framed(query(i % 2 ? 'db.internal' : 'example.test', i)),
    );
    const whole = Buffer.concat(many);
    for (let from = 0; from < whole.length; from += 37) socket.write(whole.subarray(from, from + 37));
    socket.end();
    await once(socket, 'close');
    const bytes = Buffer.concat(got);
    const ids: number[] = [];
    for (let from = 0; from < bytes.length; from += 2 + bytes.readUInt16BE(from))
      ids.push(bytes.readUInt16BE(from + 2));
    expect(ids.sort((a, b) => a - b)).toEqual(many.map((_, i) => i));
  });

  test('that asks for a zone has all the messages of the answer', async () => {
    const soa = [{ type: 'SOA' as const, name: 'zone.test', data: { mname: 'a', rname: 'b' } }];
    const messages = ['SOA', 'A', 'SOA'].map((_, i) =>
      framed(encode({ type: 'response', id: 5, answers: i === 1 ? [] : soa })),
    );
    const primary = createServer((socket) => {
      socket.once('data', () => socket.end(Buffer.concat(messages)));
    }).listen(0, '127.0.0.1');
    await once(primary, 'listening');
    options.connect = () => connect((primary.address() as { port: number }).port, '127.0.0.1');
    const socket = connect(at().tcp, '127.0.0.1');
    socket.write(framed(encode({ type: 'query', id: 5, questions: [{ type: 'AXFR', name: 'zone.test' }] })));
    const got: Buffer[] = [];
    for await (const chunk of socket) got.push(chunk);
    expect(Buffer.concat(got)).toEqual(Buffer.concat(messages));
    expect(host.asked).toEqual([]);
    options.connect = () => undefined;
    const nobody = connect(at().tcp, '127.0.0.1').resume();
    nobody.write(framed(encode({ type: 'query', id: 5, questions: [{ type: 'AXFR', name: 'zone.test' }] })));
    await once(nobody, 'close');
    primary.close();
  });

  test('that brings nonsense ends', async () => {
    const socket = connect(at().tcp, '127.0.0.1').resume();
    socket.on('error', () => {});
    socket.write(framed(Buffer.from('nonsense')));
    await once(socket, 'close');
  });
});

test('a datagram that is lost on its way to the host’s resolver is sent again', async () => {
  listenUdp(udp, options);
  const lossy = createSocket('udp4').bind(0, '127.0.0.1');
  await once(lossy, 'listening');
  let lost = 0;
  lossy.on('message', (bytes, from) => {
    if (lost++ === 0) return;
    const { id = 0, questions = [] } = decode(bytes);
    const answers = [{ type: 'A' as const, name: 'example.test', data: '198.51.100.8' }];
    lossy.send(encode({ type: 'response', id, questions, answers }), from.port, from.address);
  });
  const server = { address: '127.0.0.1', port: lossy.address().port };
  options.upstream = createUpstream({ servers: () => [server] });
  expect(await ask('example.test', 'udp')).toEqual(['NOERROR', '198.51.100.8']);
  lossy.close();
});

test('datagrams that are no questions are left lying', async () => {
  listenUdp(udp, options);
  const socket = createSocket('udp4');
  const got: Buffer[] = [];
  socket.on('message', (bytes) => got.push(bytes));
  socket.send(Buffer.from('x'), at().udp, '127.0.0.1');
  socket.send(
    encode({ type: 'response', id: 1, questions: [{ type: 'A', name: 'db.internal' }] }),
    at().udp,
    '127.0.0.1',
  );
  socket.send(query('db.internal', 77), at().udp, '127.0.0.1');
  await until(() => got.length > 0);
  expect(got.map((bytes) => bytes.readUInt16BE(0))).toEqual([77]);
  socket.close();
});
