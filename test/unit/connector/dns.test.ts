/**
 * Proves node-agents/connector/{dns,record-resolver}.ts: which questions a Client may ask, and how they are
 * answered, against a real DNS server.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { limits } from '#node-agents/connector/limits.ts';
import { createRecordResolver } from '#node-agents/connector/record-resolver.ts';
import type { ClientTunnel } from '#node-agents/link/tunnel/client.ts';
import type { Flow } from '#node-agents/link/tunnel/flow.ts';
import { internet, parseResponse, type Response, rcodes, recordTypes } from '#schema/name/message.ts';
import { targetName } from '#schema/name/record-data.ts';
import { writeQuery } from '#schema/name/write-message.ts';
import { PrivateDns } from '../../world/private-dns.ts';
import { connectionId, Place, resource, until } from './place.ts';

const { MX, SRV, TXT, PTR, ANY } = recordTypes;
const web = resource('res_web', 'web.internal');
let place: Place;
let dns: PrivateDns;

beforeEach(async () => {
  dns = await PrivateDns.start({ 'web.internal': ['127.0.0.1'] });
  dns.records.set('web.internal', [
    { name: 'web.internal', type: 'MX', ttl: 3_600, data: { preference: 5, exchange: 'mail.internal' } },
  ]);
  dns.records.set('_http._tcp.web.internal', [
    {
      ...{ name: '_http._tcp.web.internal', type: 'SRV', ttl: 60 },
      data: { priority: 1, weight: 2, port: 80, target: 'web.internal' },
    },
  ]);
  place = await Place.open([dns.address]);
});
afterEach(async () => {
  await place.close();
  dns.stop();
});

const enter = async (...resources: ReturnType<typeof resource>[]) => {
  place.forwards(...resources);
  return place.enter(await place.clientAcl(resources));
};
const open = (tunnel: ClientTunnel, host: string): Flow =>
  tunnel.openFlow({
    connectionId: connectionId(),
    destination: { protocol: 'dns', host },
    clientAddress: '192.0.2.1',
  });
const lastEvent = (kind: string) => until(() => place.events.findLast((event) => event.kind === kind));

let nextId = 1;
async function ask(flow: Flow, name: string, type: number, opcode = 0, of = internet): Promise<Response> {
  const id = nextId++;
  const query = writeQuery({ id, question: { name, type, class: of }, udpPayload: 65_535 });
  query[2]! |= opcode << 3;
  const answers: Response[] = [];
  const onDatagram = (bytes: Uint8Array) => {
    const response = parseResponse(bytes);
    if (response?.id === id) answers.push(response);
  };
  flow.on('datagram', onDatagram);
  await flow.opened;
  flow.sendDatagram(query);
  const answer = await until(() => answers[0]);
  flow.off('datagram', onDatagram);
  return answer;
}

describe('records of an admitted name', () => {
  test('are asked in the Remote Network and told', async () => {
    const flow = open(await enter(web), 'web.internal');
    const answer = await ask(flow, 'web.internal', MX);
    expect(answer).toMatchObject({ rcode: rcodes.NOERROR, question: { name: 'web.internal', type: MX } });
    expect(answer.answers).toMatchObject([{ name: 'web.internal', type: MX, ttl: 3_600 }]);
    expect(targetName(answer.answers[0]!.data.subarray(2))).toBe('mail.internal');
    flow.resume().end();
    const event = await lastEvent('closed');
    expect(event).toMatchObject({ protocol: 'dns', host: 'web.internal', resource: 'res_web' });
    expect([event.port, event.code, event.resolved]).toEqual([undefined, undefined, undefined]);
  });

  test('of its services too, and what is not there is told with its SOA', async () => {
    const flow = open(await enter(web), 'web.internal');
    expect((await ask(flow, '_http._tcp.web.internal', SRV)).answers).toMatchObject([{ type: SRV }]);
    expect(await ask(flow, '_ldap._tcp.web.internal', SRV)).toMatchObject({
      ...{ rcode: rcodes.NXDOMAIN, answers: [] },
      authority: [{ type: recordTypes.SOA }],
    });
    expect(await ask(flow, 'web.internal', TXT)).toMatchObject({ rcode: rcodes.NOERROR, answers: [] });
  });

  test('of any other name are refused, and never asked', async () => {
    const flow = open(await enter(web), 'web.internal');
    for (const name of [
      'internal',
      'db.internal',
      'a.web.internal',
      '_a.b.web.internal',
      'xweb.internal',
      '',
    ])
      expect([name, (await ask(flow, name, MX)).rcode]).toEqual([name, rcodes.REFUSED]);
    expect((await ask(flow, 'web.internal', ANY)).rcode).toBe(rcodes.NOTIMP);
    expect((await ask(flow, 'web.internal', 252)).rcode).toBe(rcodes.NOTIMP);
    expect((await ask(flow, 'web.internal', MX, 5)).rcode).toBe(rcodes.NOTIMP);
    expect((await ask(flow, 'web.internal', MX, 0, 3)).rcode).toBe(rcodes.REFUSED);
    expect(dns.asked).toEqual([]);
  });

  test('too long for UDP come by TCP, whole', async () => {
    const text = 'x'.repeat(250);
    dns.records.set('web.internal', [
      { name: 'web.internal', type: 'TXT', ttl: 1, data: Array.from({ length: 60 }, () => text) },
    ]);
    const flow = open(await enter(web), 'web.internal');
    const answer = await ask(flow, 'web.internal', TXT);
    expect(answer.answers.map(({ data }) => data.length)).toEqual([60 * 251]);
    expect(dns.asked).toEqual(['udp TXT web.internal', 'tcp TXT web.internal']);
  });

  test('of an alias are those of the Resource, under the alias', async () => {
    const aliased = resource('res_web', 'web.internal', { alias: 'www.corp' });
    const flow = open(await enter(aliased), 'www.corp');
    expect((await ask(flow, 'www.corp', MX)).answers).toMatchObject([{ name: 'www.corp', type: MX }]);
    expect((await ask(flow, '_http._tcp.www.corp', SRV)).answers).toMatchObject([
      { name: '_http._tcp.www.corp', type: SRV },
    ]);
    expect((await ask(flow, 'web.internal', MX)).rcode).toBe(rcodes.REFUSED);
    const ofAddress = resource('res_ip', '10.0.0.5', { alias: 'ip.corp' });
    const other = open(await enter(ofAddress), 'ip.corp');
    expect(await ask(other, 'ip.corp', MX)).toMatchObject({ rcode: rcodes.NOERROR, answers: [] });
  });

  test('of an address are those of its reverse name, whatever ports are allowed', async () => {
    const reverse = '7.0.0.10.in-addr.arpa';
    dns.records.set(reverse, [{ name: reverse, type: 'PTR', ttl: 9, data: 'host-7.internal' }]);
    const net = resource('res_net', '10.0.0.0/24', { tcp: 'none' });
    const flow = open(await enter(net), '10.0.0.7');
    const { answers } = await ask(flow, reverse, PTR);
    expect(answers.map(({ data }) => targetName(data))).toEqual(['host-7.internal']);
    expect((await ask(flow, '8.0.0.10.in-addr.arpa', PTR)).rcode).toBe(rcodes.REFUSED);
  });
});

describe('a flow for records', () => {
  test('is refused for what is in no ACL', async () => {
    const tunnel = await enter(web);
    const code = await open(tunnel, 'db.internal').opened.catch((error) => error.code);
    expect(code).toBe('not_a_resource');
    expect(await lastEvent('denied')).toMatchObject({ protocol: 'dns', code: 'not_a_resource' });
  });

  test('ends when the Resource is withdrawn', async () => {
    const flow = open(await enter(web), 'web.internal');
    await ask(flow, 'web.internal', MX);
    place.connectorAcl([]);
    await until(() => flow.destroyed);
    expect(flow.code).toBe('not_in_connector_acl');
  });

  test('ends when the alias comes to stand for something else', async () => {
    const aliased = resource('res_web', 'web.internal', { alias: 'www.corp' });
    const flow = open(await enter(aliased), 'www.corp');
    await ask(flow, 'www.corp', MX);
    place.forwards({ ...aliased, address: 'db.internal' });
    await until(() => flow.destroyed);
    expect(flow.code).toBe('not_in_connector_acl');
  });

  test('answers what is no question with a failure or not at all', async () => {
    const flow = open(await enter(web), 'web.internal');
    await flow.opened;
    const got: Uint8Array[] = [];
    flow.on('datagram', (bytes: Uint8Array) => got.push(bytes));
    flow.sendDatagram(new Uint8Array(5));
    flow.sendDatagram(Uint8Array.of(0, 9, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 0x0c));
    await until(() => got.length === 1);
    expect([...got[0]!.subarray(0, 4)]).toEqual([0, 9, 0x80, 0x80 | rcodes.FORMERR]);
    expect((await ask(flow, 'web.internal', MX)).rcode).toBe(rcodes.NOERROR);
  });
});

describe('the resolver of the Remote Network', () => {
  const question = {
    name: 'web.internal',
    type: MX,
    class: internet,
    dnssecOk: false,
    checkingDisabled: false,
  };
  const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));

  test('that is silent or lies is passed over for the next', async () => {
    const liar = createSocket('udp4').bind(0, '127.0.0.1');
    await once(liar, 'listening');
    const answers: ((query: Buffer) => Buffer)[] = [
      (query) => Buffer.from([query[0]! ^ 1, ...query.subarray(1)]), // another ID
      (query) =>
        Buffer.from([
          ...query.subarray(0, 2),
          0x81,
          0x80,
          ...query.subarray(4, 13),
          0x78,
          ...query.subarray(14),
        ]),
      () => Buffer.from('nonsense'),
    ];
    liar.on('message', (query, from) => {
      for (const answer of answers) liar.send(answer(query), from.port, from.address);
    });
    const resolver = createRecordResolver([`127.0.0.1:${liar.address().port}`, dns.address], random);
    expect((await resolver.ask(question, 'svc_app'))?.answers).toMatchObject([{ type: MX }]);
    liar.close();
  });

  test('that is not there is no answer', async () => {
    const resolver = createRecordResolver(['127.0.0.1:1'], random);
    expect(await resolver.ask(question, 'svc_app')).toBeUndefined();
  });

  test('may know less of a name than this host, whose word counts for addresses', async () => {
    const asked: string[] = [];
    const lookup = async (name: string) => {
      asked.push(name);
      return name === 'in-hosts-file'
        ? { ok: true as const, addresses: [] }
        : { ok: false as const, code: 'name_not_found' as const };
    };
    const resolver = createRecordResolver([dns.address], random, limits.recordLookUps, { lookup });
    const rcodeOf = async (name: string, type: number) =>
      (await resolver.ask({ ...question, name, type }, 'svc_app'))?.rcode;
    const { A } = recordTypes;
    expect(await rcodeOf('in-hosts-file', A)).toBe(rcodes.NOERROR);
    expect(await rcodeOf('nowhere', A)).toBe(rcodes.NXDOMAIN);
    expect(await rcodeOf('in-hosts-file', MX)).toBe(rcodes.NXDOMAIN);
    expect(await rcodeOf('web.internal', A)).toBe(rcodes.NOERROR);
    expect(asked).toEqual(['in-hosts-file', 'nowhere']);
  });

  test('is asked only so many questions at once', async () => {
    const silent = createSocket('udp4').bind(0, '127.0.0.1');
    await once(silent, 'listening');
    const places = { places: 1, perPrincipal: 1, waiting: 1, waitingPerPrincipal: 1 };
    const resolver = createRecordResolver([`127.0.0.1:${silent.address().port}`], random, places);
    void resolver.ask(question, 'svc_app');
    void resolver.ask(question, 'svc_app');
    expect(await resolver.ask(question, 'svc_app')).toBeUndefined();
    silent.close();
  });
});
