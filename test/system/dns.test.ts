/**
 * Proves DNS of protected names end to end: `dig` asks the Client's resolver, which makes addresses itself and
 * asks a real Connector behind a real relay for everything else, out of the Remote Network's own server.
 */
import { spawn } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { text } from 'node:stream/consumers';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Acls, type NetworkAcl } from '#node-agents/client/acl.ts';
import { listenTcp } from '#node-agents/client/dns/listen-tcp.ts';
import { listenUdp } from '#node-agents/client/dns/listen-udp.ts';
import { createRecords } from '#node-agents/client/dns/records.ts';
import { createDnsResolver } from '#node-agents/client/dns/resolver.ts';
import { createUpstream } from '#node-agents/client/dns/upstream.ts';
import type { Open } from '#node-agents/client/opening.ts';
import { Associations } from '#node-agents/client/udp/associations.ts';
import type { DatagramLine } from '#node-agents/client/udp/line.ts';
import type { ClientTunnel } from '#node-agents/link/tunnel/client.ts';
import type { SallyportError } from '#schema/errors.ts';
import { SyntheticNames } from '#schema/name/synthetic.ts';
import type { Answer } from '../world/admin.ts';
import { type Office, officeAddress, openOffice } from '../world/office.ts';
import { PrivateDns } from '../world/private-dns.ts';
import { newConnectionId, SmallClient } from './small-client.ts';

let office: Office;
let host: PrivateDns;
let tunnel: ClientTunnel;
let associations: Associations;
let records: ReturnType<typeof createRecords>;
let udp: Socket;
let tcp: Server;
let grants: Answer[];

const longText = 'x'.repeat(250);

beforeAll(async () => {
  office = await openOffice();
  host = await PrivateDns.start({ 'example.test': ['198.51.100.7'], 'db.internal': ['198.51.100.66'] });
  const granted = [
    await office.resource('db.internal'),
    await office.resource('corp', { address: '*.corp.internal' }),
    await office.resource('net', { address: '10.20.0.0/16', allow_reserved: false }),
  ];
  const service = await office.world.createService(
    'app',
    granted.map(({ id }) => id),
  );
  grants = (await office.world.admin.get('/grants')).items;
  writeZone(office.dns);
  office.dns.names.set('any.corp.internal', [officeAddress]);
  const client = await SmallClient.login(service.key.file);
  const signed = client.acl(office.network);
  const claims = decodeJwt(signed) as NetworkAcl['claims'];
  const acls = new Acls(1, new Map([[office.network, { claims, signed, connectors: [] }]]));
  tunnel = await client.tunnel(office.network);
  associations = new Associations({ open: through(tunnel), now: () => performance.now() });
  const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));
  records = createRecords({ ways: associations, random });
  const resolver = createDnsResolver({
    ...{ acls: () => acls, nowMs: Date.now, exempt: () => new Set<string>(), records: records.ask },
    names: new SyntheticNames(office.world.tenantUrl),
    log: { debug: () => {} },
  });
  const [address, port] = host.address.split(':');
  const upstream = createUpstream({ servers: () => [{ address: address!, port: Number(port) }] });
  const listener = { resolver, upstream, connect: () => undefined };
  tcp = createServer({ allowHalfOpen: true }, (socket) => listenTcp(socket, listener));
  await once(tcp.listen(0, '127.0.0.1'), 'listening');
  udp = createSocket('udp4').bind((tcp.address() as { port: number }).port, '127.0.0.1');
  await once(udp, 'listening');
  listenUdp(udp, { resolver, upstream });
}, 120_000);

afterAll(async () => {
  records?.close();
  associations?.close();
  tunnel?.close();
  udp?.close();
  tcp?.close();
  host?.stop();
  await office?.stop();
});

function writeZone({ records: zone }: PrivateDns): void {
  zone.set('db.internal', [
    { name: 'db.internal', type: 'MX', ttl: 3_600, data: { preference: 5, exchange: 'mail.internal' } },
    { name: 'db.internal', type: 'TXT', ttl: 60, data: ['hello', 'world'] },
  ]);
  const srv = '_postgresql._tcp.db.internal';
  const at = { priority: 1, weight: 2, port: 5432, target: 'db.internal' };
  zone.set(srv, [{ name: srv, type: 'SRV', ttl: 60, data: at }]);
  zone.set('long.corp.internal', [
    { name: 'long.corp.internal', type: 'TXT', ttl: 60, data: Array.from({ length: 40 }, () => longText) },
  ]);
  const reverse = '7.0.20.10.in-addr.arpa';
  zone.set(reverse, [{ name: reverse, type: 'PTR', ttl: 60, data: 'host-7.internal' }]);
}

const through =
  (by: ClientTunnel): Open<DatagramLine> =>
  async ({ destination, clientAddress, early }) => {
    const connection = newConnectionId();
    const stream = by.openFlow({ connectionId: connection, destination, clientAddress });
    const first = early?.();
    if (first) stream.sendDatagram(first);
    return stream.opened.then(
      () => ({ ok: true as const, connection, stream }),
      ({ code }: SallyportError) => ({ ok: false as const, connection, code }),
    );
  };

async function dig(...words: string[]): Promise<string> {
  const common = ['@127.0.0.1', '-p', String(udp.address().port), '+tries=1', '+time=8'];
  const child = spawn('dig', [...common, ...words], { stdio: ['ignore', 'pipe', 'inherit'] });
  return (await text(child.stdout)).trim();
}
const short = (...words: string[]) => dig('+short', ...words);

describe('dig', () => {
  test('gets the same synthetic addresses each time, and the name back', async () => {
    const v4 = await short('db.internal', 'A');
    const v6 = await short('db.internal', 'AAAA');
    expect([v4, v6]).toEqual([
      expect.stringMatching(/^100\.(9[6-9]|10\d|11[01])\./),
      expect.stringMatching(/^fd53:616c:6c79::/),
    ]);
    expect(await short('+tcp', 'DB.internal', 'A')).toBe(v4);
    expect([await short('-x', v4), await short('-x', v6)]).toEqual(['db.internal.', 'db.internal.']);
    expect(office.dns.asked).toEqual([]);
    expect(await short('any.corp.internal', 'A')).toMatch(/^100\./);
    expect(await dig('nowhere.corp.internal', 'A')).toContain('status: NXDOMAIN');
    expect(office.dns.asked).toEqual(['udp A any.corp.internal', 'udp A nowhere.corp.internal']);
  });

  test('gets other records out of the Remote Network', async () => {
    expect(await short('db.internal', 'MX')).toBe('5 mail.internal.');
    expect(await short('db.internal', 'TXT')).toBe('"hello" "world"');
    expect(await short('_postgresql._tcp.db.internal', 'SRV')).toBe('1 2 5432 db.internal.');
    expect(await short('-x', '10.20.0.7')).toBe('host-7.internal.');
    expect(await dig('db.internal', 'MX')).toMatch(/db\.internal\.\s+60\s+IN\s+MX/);
    expect(await dig('db.internal', 'CAA')).toMatch(/status: NOERROR[\s\S]*ANSWER: 0, AUTHORITY: 1/);
    expect(await dig('none.corp.internal', 'MX')).toContain('status: NXDOMAIN');
    expect(host.asked).toEqual([]);
  });

  test('gets a long answer by TCP, and is told to ask there', async () => {
    const whole = Array.from({ length: 40 }, () => `"${longText}"`).join(' ');
    expect(await dig('+ignore', 'long.corp.internal', 'TXT')).toMatch(/flags: qr tc/);
    expect(await short('long.corp.internal', 'TXT')).toBe(whole);
    expect(office.dns.asked.filter((one) => one.includes('long')).slice(-2)).toEqual([
      'udp TXT long.corp.internal',
      'tcp TXT long.corp.internal',
    ]);
  });

  test('gets everything else from the resolver that the host had', async () => {
    expect(await short('example.test', 'A')).toBe('198.51.100.7');
    expect(await dig('missing.test', 'A')).toContain('status: NXDOMAIN');
    expect(office.dns.asked.some((one) => one.includes('.test'))).toBe(false);
  });
});

test('the Controller hears of it', async () => {
  const deadline = Date.now() + 10_000;
  let seen: Answer | undefined;
  while (!seen && Date.now() < deadline) {
    const { items } = await office.world.admin.get('/events?kind=established');
    seen = items.find(({ protocol, host: name }: Answer) => protocol === 'dns' && name === 'db.internal');
    if (!seen) await new Promise((tick) => setTimeout(tick, 100));
  }
  expect(seen).toMatchObject({ protocol: 'dns', client_address: '127.0.0.1', path: 'relay' });
});

test('a name that is withdrawn is not asked for any more', async () => {
  const resource = (await office.world.admin.get('/resources')).items.find(
    ({ address }: Answer) => address === 'db.internal',
  );
  const { id } = grants.find(({ resource_id }) => resource_id === resource.id)!;
  await office.world.admin.delete(`/grants/${id}`);
  const deadline = Date.now() + 5_000;
  // This Client never learns of it, so the Connector's refusal is what is seen.
  let answer = '';
  while (!answer.includes('SERVFAIL') && Date.now() < deadline) answer = await dig('db.internal', 'MX');
  const asked = office.dns.asked.length;
  expect(await dig('db.internal', 'MX')).toContain('status: SERVFAIL');
  expect(answer).toMatch(/EDE: /);
  expect(office.dns.asked.length).toBe(asked);
});
