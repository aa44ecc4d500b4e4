/** Proves node-agents/connector/{datagrams,echo,line}.ts: associations as Clients see them, and their bounds. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { relayDatagrams } from '#node-agents/connector/datagrams.ts';
import { openEcho, relayEchoes } from '#node-agents/connector/echo.ts';
import { Census } from '#node-agents/connector/gate.ts';
import type { ClientTunnel } from '#node-agents/link/tunnel/client.ts';
import type { Flow } from '#node-agents/link/tunnel/flow.ts';
import type { PingHandlers } from '#node-agents/os/ping-socket.ts';
import { refuse } from '#schema/errors.ts';
import { parseIp } from '#schema/name/ip.ts';
import { type Loopback, loopback } from '../link/tunnel/loopback.ts';
import { connectionId, Place, resource, until } from './place.ts';

const udp = resource('res_udp', '127.0.0.1', { udp: 'all', reserved: true });
let place: Place;
let echo: Socket;
let tunnel: ClientTunnel;
let made: Loopback | undefined;

beforeEach(async () => {
  place = await Place.open();
  echo = createSocket('udp4').on('message', (bytes, from) => echo.send(bytes, from.port));
  echo.bind(0, '127.0.0.1');
  await once(echo, 'listening');
  place.forwards(udp);
  tunnel = await place.enter(await place.clientAcl([udp]));
});
afterEach(async () => {
  await place.close();
  await made?.close();
  made = undefined;
  echo.close();
});

const open = (port = echo.address().port) =>
  tunnel.openFlow({
    connectionId: connectionId(),
    destination: { protocol: 'udp', host: '127.0.0.1', port },
    clientAddress: '',
  });

function texts(flow: Flow): string[] {
  const received: string[] = [];
  flow.takeDatagrams((bytes) => received.push(Buffer.from(bytes).toString()));
  return received;
}

test('a datagram that comes with the request is answered without waiting', async () => {
  const flow = open();
  flow.sendDatagram(Buffer.from('early'));
  await flow.opened;
  // Whoever comes late still finds what has come meanwhile.
  await until(() => flow.bytesDown === 5);
  expect(texts(flow)).toEqual(['early']);
});

test('datagrams of every size that UDP has pass, in order', async () => {
  const flow = open();
  const lengths = [0, 1, 1_200, 9_000, 65_507];
  const received: number[] = [];
  await flow.opened;
  flow.takeDatagrams((bytes) => received.push(bytes.length));
  for (const length of lengths) flow.sendDatagram(Buffer.alloc(length, 1));
  await until(() => received.length === lengths.length);
  expect(received).toEqual(lengths);
  // What is longer than that is lost, and nothing else with it.
  flow.sendDatagram(Buffer.alloc(65_508));
  flow.sendDatagram(Buffer.from('after'));
  await until(() => received.length > lengths.length);
  expect(received.at(-1)).toBe(5);
});

test('a principal has so many associations and no more; TCP is not among them', async () => {
  place.gate.associations = new Census({ flows: 3, flowsPerPrincipal: 2 });
  const flows = [open(), open()];
  await Promise.all(flows.map(({ opened }) => opened));
  await expect(open().opened).rejects.toMatchObject({ code: 'limit_reached' });
  expect(place.events.at(-1)).toMatchObject({ kind: 'failed', code: 'limit_reached', protocol: 'udp' });
  flows[0]!.reset('cancelled');
  await until(() => place.gate.associations.flows === 1);
  await open().opened;
  expect(place.gate.census.flows).toBe(2);
});

test('the end of a grant cuts an association and tells why', async () => {
  const flow = open();
  await flow.opened;
  place.connectorAcl([{ kind: 'resource', resource: { ...udp, udp: [{ from: 1, to: 1 }] } }]);
  await until(() => flow.destroyed);
  expect(flow.code).toBe('port_denied');
  expect(place.events.at(-1)).toMatchObject({ kind: 'closed', code: 'port_denied' });
});

/** A flow whose far end is joined by `join`. */
async function joinedTo(join: (flow: Flow) => void): Promise<Flow> {
  made = await loopback((request) => join(request.accept({ resolved: '127.0.0.1' })));
  const flow = made.client.openFlow({
    connectionId: connectionId(),
    destination: { protocol: 'icmp', host: '127.0.0.1' },
    clientAddress: '',
  });
  await flow.opened;
  return flow;
}

test('an association without datagrams ends, one with them does not', async () => {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.connect(echo.address().port, '127.0.0.1', resolve));
  let ended: unknown = 'no';
  const flow = await joinedTo((far) => {
    void relayDatagrams(far, socket, 100).done.then((code) => {
      ended = code;
    });
  });
  const received = texts(flow);
  for (let i = 1; i <= 10; i++) {
    flow.sendDatagram(Buffer.from('x'));
    await until(() => received.length === i);
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  expect(ended).toBe('no');
  await until(() => ended === undefined);
});

test('an echo carries sequence and data, and an ICMP error ends it', async () => {
  const sent: [number, string][] = [];
  const close = vi.fn();
  let handlers!: PingHandlers;
  const opened = openEcho([parseIp('10.0.0.1')!, parseIp('10.0.0.2')!], (ip, heard) => {
    handlers = heard;
    if (ip.bytes[3] === 1) return refuse('network_unreachable');
    const send = (sequence: number, payload: Uint8Array) => {
      sent.push([sequence, Buffer.from(payload).toString()]);
      heard.onReply(sequence, Buffer.from(payload));
      return true;
    };
    return { ok: true, socket: { send, close } };
  });
  if (!opened.ok) throw new Error(opened.code);
  expect(opened.address).toBe('10.0.0.2');
  let done: Promise<unknown> | undefined;
  const flow = await joinedTo((far) => {
    done = relayEchoes(far, opened).done;
  });
  const received = texts(flow);
  flow.sendDatagram(Buffer.from('\x01\x02ping', 'latin1'));
  flow.sendDatagram(Buffer.from('\x01'));
  await until(() => received.length === 1);
  expect([sent, received]).toEqual([[[258, 'ping']], ['\x01\x02ping']]);
  handlers.onError('host_unreachable');
  expect(await done).toBe('host_unreachable');
  await until(() => flow.code === 'host_unreachable');
  expect(close).toHaveBeenCalledOnce();
});

test('without a ping socket the reason is told', () => {
  expect(openEcho([parseIp('10.0.0.1')!], () => refuse('icmp_unavailable'))).toMatchObject({
    code: 'icmp_unavailable',
  });
  expect(openEcho([])).toMatchObject({ code: 'host_unreachable' });
});
