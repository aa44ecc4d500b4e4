/** Proves UDP ASSOCIATE (node-agents/client/socks5/associate.ts) and `--forward udp:` (client/udp/forward.ts). */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, type Server } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { headerLength, readHeader } from '#node-agents/client/socks5/datagram.ts';
import { createSocks5 } from '#node-agents/client/socks5.ts';
import { Associations } from '#node-agents/client/udp/associations.ts';
import { createUdpForward } from '#node-agents/client/udp/forward.ts';
import { SocksUdp } from '../../../world/socks-udp.ts';
import { listening, standIn } from '../stand-in.ts';
import { lineOf } from './lines.ts';

let lines: ReturnType<typeof lineOf>;
let associations: Associations;
let socks: Server;
let program: SocksUdp;

beforeEach(async () => {
  lines = lineOf();
  associations = new Associations({ open: lines.open, now: () => performance.now() });
  socks = createSocks5({ open: standIn().open, associations });
  program = await SocksUdp.open(await listening(socks));
});
afterEach(() => {
  program.close();
  associations.close();
  socks.close();
});

const answered = async () => (await once(program, 'datagram'))[0];

test('datagrams to names and addresses come back from whom they were sent to', async () => {
  program.send('Dns.Int', 53, 'question');
  expect(await answered()).toEqual({ host: 'Dns.Int', port: 53, data: Buffer.from('question') });
  program.send('10.0.0.7', 443, 'hello');
  expect(await answered()).toEqual({ host: '10.0.0.7', port: 443, data: Buffer.from('hello') });
  program.send('Dns.Int', 53, 'again');
  await answered();
  expect(lines.asked.map(({ request }) => [request.destination, request.clientAddress])).toEqual([
    [{ protocol: 'udp', host: 'dns.int', port: 53 }, '127.0.0.1'],
    [{ protocol: 'udp', host: '10.0.0.7', port: 443 }, '127.0.0.1'],
  ]);
});

test('fragments, broken headers and impossible destinations are dropped without harm', async () => {
  program.send('a.int', 1, 'fragment', 1);
  program.send('a b', 1, 'no name');
  program.send('a.int', 0, 'no port');
  for (const bytes of [[], [0, 0], [0, 0, 0, 9, 1, 1, 1], [0, 0, 0, 3, 200, 97], [0, 0, 0, 1, 10, 0, 0]])
    program.socket.send(Buffer.from(bytes), program.relay.port, program.relay.host);
  program.send('b.int', 2, '');
  expect(await answered()).toEqual({ host: 'b.int', port: 2, data: Buffer.alloc(0) });
  expect(lines.asked.length).toBe(1);
});

test('another program’s datagrams are not taken for those of the one that asked', async () => {
  const stranger = createSocket('udp4');
  stranger.send(Buffer.of(0, 0, 0, 1, 10, 0, 0, 9, 0, 9, 1), program.relay.port, program.relay.host);
  await once(stranger, 'listening');
  program.send('b.int', 2, 'mine');
  await answered();
  expect(lines.asked.map(({ request }) => request.destination.host)).toEqual(['b.int']);
  stranger.close();
});

test('the end of the connection is the end of its associations', async () => {
  program.send('b.int', 2, 'x');
  await answered();
  program.control.end();
  await once(program, 'close');
  await expect.poll(() => [associations.size, lines.asked[0]!.line.code]).toEqual([0, 'cancelled']);
});

test('an association that was cut begins anew with the next datagram', async () => {
  program.send('b.int', 2, 'x');
  await answered();
  lines.asked[0]!.line.reset('peer_gone');
  program.send('b.int', 2, 'y');
  expect((await answered()).data.toString()).toBe('y');
  expect(lines.asked.length).toBe(2);
});

test('a header is read in place, and whatever is cut short is none', () => {
  const header = Buffer.from([0, 0, 0, 4, ...new Array(15).fill(0), 1, 0, 53]);
  for (let end = 0; end < header.length; end++) expect(headerLength(header.subarray(0, end))).toBe(0);
  const length = headerLength(Buffer.concat([header, Buffer.from('data')]));
  expect(readHeader(header, length)).toEqual({ length: 22, host: '0:0:0:0:0:0:0:1', port: 53 });
});

test('a program that comes by IPv6 is told an IPv6 address, and answered there', async () => {
  const six = createSocks5({ open: standIn().open, associations });
  await once(six.listen(0, '::1'), 'listening');
  const control = connect((six.address() as { port: number }).port, '::1');
  control.write(Buffer.of(5, 1, 0, 5, 3, 0, 4, ...new Array(16).fill(0), 0, 0));
  let told = Buffer.alloc(0);
  while (told.length < 24) told = Buffer.concat([told, (await once(control, 'data'))[0]]);
  expect([...told.subarray(0, 6)]).toEqual([5, 0, 5, 0, 0, 4]);
  const socket = createSocket('udp6');
  const datagram = Buffer.of(0, 0, 0, 1, 10, 0, 0, 9, 0, 9, 120);
  socket.send(datagram, told.readUInt16BE(22), '::1');
  expect((await once(socket, 'message'))[0]).toEqual(datagram);
  control.destroy();
  socket.close();
  six.close();
});

test('a forward gives each sender its own answers, and nothing when refused', async () => {
  const destination = { protocol: 'udp', host: 'dns.int', port: 53 } as const;
  const forward = createUdpForward({ associations, destination, host: '127.0.0.1' });
  await new Promise<void>((resolve) => forward.bind(0, '127.0.0.1', resolve));
  const programs = [createSocket('udp4'), createSocket('udp4')];
  for (const [i, one] of programs.entries()) {
    one.connect(forward.address().port, '127.0.0.1');
    await once(one, 'connect');
    one.send(`question ${i}`);
    expect(String((await once(one, 'message'))[0])).toBe(`question ${i}`);
  }
  expect(lines.asked.map(({ request }) => request.destination)).toEqual([destination, destination]);
  forward.close();
  await expect.poll(() => associations.size).toBe(0);
  for (const one of programs) one.close();
});
