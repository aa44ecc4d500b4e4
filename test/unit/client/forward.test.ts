import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { expect, test } from 'vitest';
import { createForward } from '#node-agents/client/forward.ts';
import { listening, standIn } from './stand-in.ts';

test('a forward carries both directions with half-close', async () => {
  const origin = createServer({ allowHalfOpen: true }, (socket) => void socket.pipe(socket));
  const destination = { protocol: 'tcp' as const, host: 'db.internal', port: await listening(origin) };
  const forward = createForward({ open: standIn().open, destination });
  const socket = connect({ port: await listening(forward), host: '127.0.0.1', allowHalfOpen: true });
  socket.end('x'.repeat(1_000_000));
  let length = 0;
  for await (const chunk of socket) length += chunk.length;
  expect(length).toBe(1_000_000);
  forward.close();
  origin.close();
});

test('a refusal is a reset connection, never a clean end', async () => {
  const destination = { protocol: 'tcp' as const, host: 'port_denied.test', port: 1 };
  const forward = createForward({ open: standIn().open, destination });
  const socket = connect(await listening(forward), '127.0.0.1');
  const [error] = await once(socket, 'error');
  expect(error.code).toBe('ECONNRESET');
  forward.close();
});
