/** Proves node-agents/client/dns/upstream.ts: silent resolvers keep no more questions than there is room for. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import { createUpstream } from '#node-agents/client/dns/upstream.ts';

const silent = createSocket('udp4');
afterEach(() => void silent.close());

test('what finds no room fails at once, and every question gives its room back', async () => {
  silent.bind(0, '127.0.0.1');
  await once(silent, 'listening');
  const room = { left: 2 };
  const servers = () => [silent.address()];
  const ask = createUpstream({ servers, timeoutMs: 200, room });
  const query = new Uint8Array(17);
  const waiting = [ask(query, 'udp'), ask(query, 'udp')];
  await expect(ask(query, 'udp')).rejects.toThrow('too many questions');
  expect(room.left).toBe(0);
  for (const one of waiting) await expect(one).rejects.toMatchObject({ code: 'ETIMEDOUT' });
  expect(room.left).toBe(2);
});
