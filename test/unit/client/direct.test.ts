import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { expect, test } from 'vitest';
import { connectDirect } from '#node-agents/client/direct.ts';
import { listening } from './stand-in.ts';

const ask = (
  host: string,
  port: number,
  clientAddress = '127.0.0.1',
  signal = new AbortController().signal,
) => connectDirect({ destination: { protocol: 'tcp', host, port }, clientAddress, signal });

test('a program of this machine reaches it, by address and by name', async () => {
  const server = createServer((socket) => socket.end());
  const port = await listening(server);
  for (const host of ['127.0.0.1', 'localhost']) {
    const verdict = await ask(host, port);
    expect(verdict.ok).toBe(true);
    if (verdict.ok) verdict.stream.destroy();
  }
  server.close();
});

test('a program of another machine reaches neither loopback nor link-local addresses, nor names for them', async () => {
  for (const host of ['127.0.0.1', '::1', '169.254.169.254', '0.0.0.0', 'localhost']) {
    expect(await ask(host, 80, '192.0.2.7')).toMatchObject({ code: 'address_forbidden' });
    expect(await ask(host, 80, '')).toMatchObject({ code: 'address_forbidden' });
  }
});

test('a neighbour on the link is a program of another machine', async () => {
  for (const neighbour of ['169.254.7.7', 'fe80::7', '0.0.0.0']) {
    expect(await ask('127.0.0.1', 80, neighbour)).toMatchObject({ code: 'address_forbidden' });
  }
});

test('a program of another machine reaches no address of this one, whatever its interface', async () => {
  const own = Object.values(networkInterfaces()).flatMap((list) =>
    (list ?? []).map(({ address }) => address),
  );
  for (const host of own) {
    expect(await ask(host, 80, '192.0.2.7')).toMatchObject({ code: 'address_forbidden' });
  }
});

test('no spelling and no translator leads a program of another machine there', async () => {
  for (const host of ['::ffff:127.0.0.1', '64:ff9b::7f00:1', '2002:7f00:1::', '::7f00:1', 'fd00:ec2::254']) {
    expect(await ask(host, 80, '192.0.2.7')).toMatchObject({ code: 'address_forbidden' });
  }
});

test('failures have the code of their cause', async () => {
  const server = createServer();
  const port = await listening(server);
  await new Promise((resolve) => server.close(resolve));
  expect(await ask('127.0.0.1', port)).toMatchObject({ code: 'connection_refused' });
  expect(await ask('does-not-exist.invalid', 80)).toMatchObject({ code: expect.stringMatching(/^name_/) });
  expect(await ask('192.0.2.1', 80, '127.0.0.1', AbortSignal.abort())).toMatchObject({ code: 'cancelled' });
});
