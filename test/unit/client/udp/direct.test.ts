/** Proves node-agents/client/udp/direct.ts: datagrams to what is no Resource leave from this machine. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openDirect } from '#node-agents/client/udp/direct.ts';

let echo: Socket;
beforeEach(async () => {
  echo = createSocket('udp4').bind(0, '127.0.0.1');
  echo.on('message', (bytes, from) => echo.send(bytes, from.port, from.address));
  await once(echo, 'listening');
});
afterEach(() => echo.close());

const request = (host: string, port = echo.address().port, clientAddress = '127.0.0.1') => ({
  destination: { protocol: 'udp' as const, host, port },
  clientAddress,
  signal: new AbortController().signal,
});

test('the first datagram goes at once, answers come, later ones follow', async () => {
  const opened = await openDirect({ ...request('127.0.0.1'), early: () => Buffer.from('first') });
  if (!opened.ok) throw new Error(opened.code);
  const received: string[] = [];
  opened.stream.takeDatagrams((bytes) => received.push(Buffer.from(bytes).toString()));
  opened.stream.sendDatagram(Buffer.from('second'));
  await expect.poll(() => received).toEqual(['first', 'second']);
  const closed = new Promise<void>((resolve) => opened.stream.once('close', resolve));
  opened.stream.reset('cancelled');
  await closed;
  expect(opened.stream.sendDatagram(Buffer.from('late'))).toBe(false);
});

test('a closed port ends it as refused', async () => {
  const { port } = echo.address();
  echo.close();
  const opened = await openDirect({ ...request('127.0.0.1', port), early: () => Buffer.from('x') });
  if (!opened.ok) throw new Error(opened.code);
  await new Promise<void>((resolve) => opened.stream.once('close', resolve));
  expect(opened.stream.code).toBe('connection_refused');
  echo = createSocket('udp4');
});

test('a stranger does not reach this machine’s own ports, by address or by name', async () => {
  for (const host of ['127.0.0.1', 'localhost', '::1'])
    expect(await openDirect(request(host, 9, '192.0.2.7'))).toMatchObject({ code: 'address_forbidden' });
});

test('an ICMP echo and a name that is none are refused', async () => {
  const { destination, ...rest } = request('127.0.0.1');
  const icmp = { ...rest, destination: { protocol: 'icmp' as const, host: destination.host } };
  expect(await openDirect(icmp)).toMatchObject({ code: 'bad_request' });
  expect(await openDirect(request('no-such-name.invalid'))).toMatchObject({ code: 'name_not_found' });
});
