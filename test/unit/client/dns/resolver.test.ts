/** Proves node-agents/client/dns/{resolver,protection,answers}.ts: what programs are answered, and by whom. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Answer, decode, encode, type Packet, type RecordType } from 'dns-packet';
import { beforeEach, describe, expect, test } from 'vitest';
import { Acls, type NetworkAcl } from '#node-agents/client/acl.ts';
import type { RecordsRequest } from '#node-agents/client/dns/records.ts';
import { createDnsResolver, type DnsResolver, type Transport } from '#node-agents/client/dns/resolver.ts';
import { LastKnown } from '#node-agents/client/tun/last-known.ts';
import type { GrantedResource } from '#schema/acl/document.ts';
import { formatIp, parseIp } from '#schema/name/ip.ts';
import { rcodes } from '#schema/name/message.ts';
import { reverseName } from '#schema/name/reverse.ts';
import { deviceAddresses, SyntheticNames } from '#schema/name/synthetic.ts';

const nowMs = 1_800_000_000_000;
const resource = (address: string, more: Partial<GrantedResource> = {}): GrantedResource => ({
  ...{ id: `res_${address}`, address, tcp: 'all', udp: 'none', icmp: false },
  ...more,
});
const granted = (...resources: GrantedResource[]) =>
  new Acls(1, new Map([['net_a', { claims: { acl: { resources } } } as unknown as NetworkAcl]]));
const acls = granted(
  resource('db.internal', { alias: 'db.acme' }),
  resource('*.corp'),
  resource('10.1.0.0/16'),
  resource('old.internal', { until: nowMs / 1000 - 1 }),
);

let held: Pick<Acls, 'find'>;
let families = { v4: true, v6: true };
let names: SyntheticNames;
let recordsAsked: RecordsRequest[];
let recordsRcode: number;
let upstreamAsked: { bytes: Uint8Array; over: Transport }[];
let resolver: DnsResolver;

beforeEach(() => {
  held = acls;
  families = { v4: true, v6: true };
  names = new SyntheticNames('https://c/t/acme');
  recordsAsked = [];
  recordsRcode = rcodes.NOERROR;
  upstreamAsked = [];
  resolver = createDnsResolver({
    acls: () => held,
    nowMs: () => nowMs,
    names,
    get families() {
      return families;
    },
    exempt: () => new Set(['controller.corp']),
    records: async (request) => {
      recordsAsked.push(request);
      if (recordsRcode !== rcodes.NOERROR) return { rcode: recordsRcode };
      return {
        rcode: rcodes.NOERROR,
        answers: [
          { name: request.query.question.name, type: 16, class: 1, ttl: 5, data: Uint8Array.of(2, 104, 105) },
        ],
      };
    },
    log: { debug: () => {} },
  });
});

const fromUpstream = Uint8Array.of(1, 2, 3, 4);
const answerTo = (bytes: Uint8Array, over: Transport = 'udp') =>
  resolver.answer({
    ...{ bytes, over, clientAddress: '192.0.2.1' },
    upstream: async (query, by) => {
      upstreamAsked.push({ bytes: query, over: by });
      return fromUpstream;
    },
  });
async function ask(name: string, type: RecordType = 'A', more: Packet = {}) {
  const bytes = await answerTo(encode({ type: 'query', id: 5, questions: [{ type, name }], ...more }));
  return bytes === fromUpstream ? 'upstream' : decode(Buffer.from(bytes!));
}
const dataOf = async (name: string, type: RecordType = 'A') => {
  const answer = await ask(name, type);
  if (answer === 'upstream') return answer;
  return answer.answers?.map((one) => ('data' in one ? one.data : one.type));
};
const edns: Answer = {
  ...{ type: 'OPT', name: '.', udpPayloadSize: 1232, flags: 0, flag_do: false },
  ...{ extendedRcode: 0, ednsVersion: 0, options: [] },
};

describe('a protected name', () => {
  test('gets its synthetic addresses: literal, alias and wildcard, in any spelling', async () => {
    for (const name of ['db.internal', 'db.acme', 'a.b.corp', 'DB.Internal']) {
      const { v4, v6 } = names.assign(name.toLowerCase())!;
      expect(await dataOf(name)).toEqual([formatIp(v4)]);
      expect(await dataOf(name, 'AAAA')).toEqual([formatIp(v6)]);
    }
    expect([recordsAsked, upstreamAsked]).toEqual([[], []]);
  });

  test('is answered with the question’s own spelling, a short life and recursion', async () => {
    expect(await ask('dB.iNternal', 'A', { flags: 0x100 })).toMatchObject({
      ...{ id: 5, rcode: 'NOERROR', flag_rd: true, flag_ra: true, flag_tc: false },
      questions: [{ name: 'dB.iNternal' }],
      answers: [{ name: 'dB.iNternal', type: 'A', ttl: 10 }],
    });
  });

  test('has no address of a family that leads nowhere, and says so for a moment only', async () => {
    families = { v4: true, v6: false };
    expect(await ask('db.internal', 'AAAA')).toMatchObject({
      rcode: 'NOERROR',
      answers: [],
      authorities: [{ type: 'SOA', ttl: 5 }],
    });
    expect(await dataOf('db.internal')).toHaveLength(1);
  });

  test('has its other records asked at the Connector', async () => {
    expect(await ask('db.internal', 'TXT')).toMatchObject({
      answers: [{ type: 'TXT', name: 'db.internal' }],
    });
    expect(recordsAsked).toMatchObject([
      { host: 'db.internal', clientAddress: '192.0.2.1', query: { question: { type: 16 } } },
    ]);
  });

  test('has services: underscored names belong to the name below them', async () => {
    await ask('_http._tcp.db.internal', 'SRV');
    await ask('_ldap._tcp.corp', 'SRV');
    await ask('_x.a.corp', 'TXT');
    expect(recordsAsked.map(({ host }) => host)).toEqual(['db.internal', '_ldap._tcp.corp', 'a.corp']);
    expect(await ask('_http._tcp.db.internal', 'A')).toMatchObject({ rcode: 'NOERROR', answers: [] });
  });

  test('answers ANY with what there is here', async () => {
    const { v4, v6 } = names.assign('db.internal')!;
    expect(await dataOf('db.internal', 'ANY' as RecordType)).toEqual([formatIp(v4), formatIp(v6)]);
    expect(recordsAsked).toEqual([]);
  });

  test('whose grant is over does not exist, and nobody else is asked', async () => {
    expect(await ask('old.internal', 'A', { additionals: [edns] })).toMatchObject({
      rcode: 'NXDOMAIN',
      additionals: [{ options: [{ code: 15 }] }],
    });
    expect(await ask('old.internal', 'TXT')).toMatchObject({ rcode: 'NXDOMAIN' });
    expect([recordsAsked, upstreamAsked]).toEqual([[], []]);
  });

  test('below a wildcard has addresses once it is known to be there, and is not asked about again', async () => {
    recordsRcode = rcodes.NXDOMAIN;
    expect(await ask('a.corp')).toMatchObject({ rcode: 'NXDOMAIN', authorities: [{ type: 'SOA', ttl: 5 }] });
    expect(await ask('db.internal')).toMatchObject({ rcode: 'NOERROR' });
    recordsRcode = rcodes.SERVFAIL;
    expect(await ask('b.corp', 'AAAA')).toMatchObject({ rcode: 'SERVFAIL' });
    expect([names.has('a.corp'), names.has('b.corp')]).toEqual([false, false]);
    recordsRcode = rcodes.NOERROR;
    expect(await dataOf('b.corp', 'AAAA')).toHaveLength(1);
    recordsRcode = rcodes.NXDOMAIN;
    expect(await dataOf('b.corp')).toHaveLength(1);
    expect(recordsAsked.map(({ host }) => host)).toEqual(['a.corp', 'b.corp', 'b.corp']);
    expect(upstreamAsked).toEqual([]);
  });

  test('that is withdrawn stops resolving with the very next question', async () => {
    expect(await dataOf('db.internal')).toHaveLength(1);
    held = granted(resource('*.corp'));
    expect(await ask('db.internal')).toBe('upstream');
  });

  test('is not updated, transferred, or asked in another class or version', async () => {
    expect(await ask('db.internal', 'SOA', { flags: 5 << 11 })).toMatchObject({ rcode: 'NOTIMP' });
    expect(
      await ask('db.internal', 'A', { questions: [{ type: 'A', name: 'db.internal', class: 'CH' }] }),
    ).toMatchObject({ rcode: 'REFUSED' });
    const newer = await ask('db.internal', 'A', { additionals: [{ ...edns, ednsVersion: 1 } as Answer] });
    expect(newer).toMatchObject({ rcode: 'NOERROR', answers: [], additionals: [{ extendedRcode: 1 }] });
  });
});

describe('a reverse name', () => {
  test('of a synthetic address leads to its name', async () => {
    const { v4, v6 } = names.assign('db.internal')!;
    expect(await dataOf(reverseName(v4), 'PTR')).toEqual(['db.internal']);
    expect(await dataOf(reverseName(v6), 'PTR')).toEqual(['db.internal']);
    expect(await ask(reverseName(v4), 'SOA')).toMatchObject({ rcode: 'NOERROR', answers: [] });
    expect(await ask(reverseName(deviceAddresses.v4), 'PTR')).toBe('upstream');
  });

  test('of a synthetic address without a name, or whose name is withdrawn, leads nowhere', async () => {
    const { v4 } = names.assign('db.internal')!;
    held = granted(resource('*.corp'));
    for (const ip of [v4, parseIp('100.97.98.99')!, parseIp('fd53:616c:6c79::9999')!])
      expect(await ask(reverseName(ip), 'PTR')).toMatchObject({ rcode: 'NXDOMAIN' });
    expect(upstreamAsked).toEqual([]);
  });

  test('of a protected address is asked at the Connector', async () => {
    await ask(reverseName(parseIp('10.1.2.3')!), 'PTR');
    expect(recordsAsked).toMatchObject([{ host: '10.1.2.3' }]);
    expect(await ask(reverseName(parseIp('10.2.0.1')!), 'PTR')).toBe('upstream');
    expect(await ask('1.10.in-addr.arpa', 'PTR')).toBe('upstream');
  });
});

describe('any other name', () => {
  test('goes to whoever was asked, byte for byte, over the same transport', async () => {
    const bytes = encode({
      type: 'query',
      id: 9,
      flags: 0x110,
      questions: [{ type: 'A', name: 'ExAmple.com' }],
      additionals: [edns],
    });
    expect(await answerTo(bytes, 'tcp')).toBe(fromUpstream);
    expect(upstreamAsked).toEqual([{ bytes, over: 'tcp' }]);
    for (const name of ['corp', 'internal', 'xdb.internal', 'a.db.internal', 'my printer.corp', ''])
      expect([name, await ask(name)]).toEqual([name, 'upstream']);
  });

  test('goes there also in a message that is not understood here; a protected one does not', async () => {
    const twoOptions = (name: string) =>
      encode({ type: 'query', id: 9, questions: [{ type: 'A', name }], additionals: [edns, edns] });
    expect(await answerTo(twoOptions('example.com'))).toBe(fromUpstream);
    const refused = await answerTo(twoOptions('db.internal'));
    expect(decode(Buffer.from(refused!))).toMatchObject({ id: 9, rcode: 'FORMERR' });
    expect(upstreamAsked).toHaveLength(1);
  });

  test('may be a zone that is transferred; a protected one is not', () => {
    const question = (type: RecordType, name: string) =>
      resolver.isTransfer(encode({ type: 'query', questions: [{ type, name }] }));
    expect([question('AXFR', 'example.com'), question('IXFR', 'example.com')]).toEqual([true, true]);
    expect([question('AXFR', 'db.internal'), question('A', 'example.com')]).toEqual([false, false]);
  });

  test('includes what this Client itself needs, whatever a wildcard says', async () => {
    expect(await ask('controller.corp')).toBe('upstream');
    expect(await ask('other.corp')).not.toBe('upstream');
  });

  test('includes all of them before the first login of all; after it, what was protected before stays so', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'sallyport-known-'));
    const options = { path: join(directory, 'protected.json'), tenant: 'acme', log: { warn: () => {} } };
    const known = await LastKnown.read(options, []);
    held = known;
    expect(await ask('db.internal')).toBe('upstream');
    known.learn([resource('db.internal', { alias: 'db.acme' }), resource('*.corp')]);
    await known.close();
    held = await LastKnown.read(options, []);
    rmSync(directory, { recursive: true });
    for (const name of ['db.internal', 'db.acme', 'a.b.corp'])
      expect(await dataOf(name)).toEqual([formatIp(names.assign(name)!.v4)]);
    expect(await ask('controller.corp')).toBe('upstream');
    expect(await ask('example.com')).toBe('upstream');
    expect(recordsAsked).toEqual([]);
    await ask('db.internal', 'MX');
    expect(recordsAsked).toHaveLength(1);
  });

  test('fails, and says why, when nobody answers', async () => {
    const bytes = encode({
      type: 'query',
      id: 9,
      questions: [{ type: 'A', name: 'a.com' }],
      additionals: [edns],
    });
    const upstream = () => Promise.reject(new Error('silence'));
    const answer = await resolver.answer({ bytes, over: 'udp', clientAddress: '', upstream });
    expect(decode(Buffer.from(answer!))).toMatchObject({
      id: 9,
      rcode: 'SERVFAIL',
      additionals: [{ options: [{ code: 15 }] }],
    });
  });
});

test('what is no question is refused, or not answered at all', async () => {
  expect(decode(Buffer.from((await answerTo(encode({ type: 'query', id: 3 })))!))).toMatchObject({
    id: 3,
    rcode: 'FORMERR',
  });
  expect(await answerTo(new Uint8Array(4))).toBeUndefined();
  expect(
    await answerTo(encode({ type: 'response', id: 3, questions: [{ type: 'A', name: 'db.internal' }] })),
  ).toBeUndefined();
  expect(upstreamAsked).toEqual([]);
});
