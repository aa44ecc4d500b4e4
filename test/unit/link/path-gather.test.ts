/** Proves node-agents/link/path/gather.ts: a relay that is far is waited for, one that cannot be reached is not. */
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { gather } from '#node-agents/link/path/gather.ts';
import type { PathPort } from '#node-agents/link/path/port.ts';
import type { RelayEntry } from '#schema/control/messages.ts';

const seen = { address: '203.0.113.5', port: 4_000 };
const relay = createServer(async (_request, response) => {
  await sleep(400);
  response.end(JSON.stringify(seen));
});
let entry: RelayEntry;
beforeAll(async () => {
  await new Promise<void>((done) => relay.listen(0, '127.0.0.1', done));
  const { port } = relay.address() as AddressInfo;
  entry = { id: 'rel_1', url: `http://127.0.0.1:${port}`, carriers: ['raw'] };
});
afterAll(() => void relay.close());

const portOf = (family: 4 | 6): PathPort => ({
  ...{ family, port: 5_000, listen: () => false, close: () => {} },
  connect: ({ address, port }) => connect({ host: address, port }),
});

test('what a far relay sees is told, though the other family finds no relay at all', async () => {
  const { candidates, close } = await gather([portOf(4), portOf(6)], [entry], new AbortController().signal);
  expect(candidates.filter(({ kind }) => kind === 'reflexive')).toEqual([{ kind: 'reflexive', ...seen }]);
  close();
});

test('without a relay that answers, nobody waits', async () => {
  const gone = { ...entry, url: 'http://127.0.0.1:9' };
  const { candidates, mapping } = await gather([portOf(4)], [gone], new AbortController().signal);
  expect(candidates.filter(({ kind }) => kind === 'reflexive')).toEqual([]);
  expect(mapping).toBe('unknown');
});
