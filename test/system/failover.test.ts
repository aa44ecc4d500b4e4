/**
 * Whatever stands between a Client and its Resource fails in every way: killed, frozen, or cut off by a network
 * that says nothing. The next flow works soon, flows that are stuck end so that programs can try again, and
 * what is asked to end loses none. How soon is measured by `npm run bench -- failover`.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Namespaces } from '../world/namespaces.ts';
import { faults, Pair, parts } from '../world/pair.ts';
import type { AgentProcess } from '../world/process.ts';
import { fetchDrops, fetchOnce, startDrip } from './origin/drip.ts';

/** Far below the silence after which an idle tunnel is given up; the goal of a second is for the benchmark. */
const patienceMs = 3_000;
const table = parts.flatMap((part) => faults.map((fault) => ({ part, fault })));

describe.skipIf(Namespaces.unavailable !== undefined)('two Connectors', () => {
  let pair: Pair;
  let client: AgentProcess & { proxy: string };
  beforeAll(async () => {
    pair = await Pair.open();
  }, 120_000);
  afterAll(() => pair?.stop());
  // A new one each time: it meets Connectors at the relay that is listed first.
  beforeEach(async () => {
    client = await pair.startWhole();
  }, 90_000);
  afterEach(() => client?.stop());

  const ask = () => fetchOnce(client.proxy, pair.url);
  const drip = () => startDrip(client.proxy, pair.host, pair.port);

  test.each(table)(
    '$part, $fault: the next flow works, and later ones at once',
    async ({ part, fault }) => {
      expect(await ask()).toBe('200');
      const name = await pair.inUse(client, part);
      pair.strike(name, fault);
      try {
        const first = await took(async () => expect(await ask()).toBe('200'));
        expect(first).toBeLessThan(patienceMs);
        const { doubts } = await pair.status(client);
        expect(await ask()).toBe('200');
        expect((await pair.status(client)).doubts).toBe(doubts);
      } finally {
        await pair.mend(name, fault);
      }
    },
    120_000,
  );

  test.each(table.filter(({ fault }) => fault !== 'kill'))(
    '$part, $fault: a flow that is stuck ends long before an idle tunnel would, one elsewhere goes on',
    async ({ part, fault }) => {
      const stuck = await drip();
      const name = await pair.inUse(client, part);
      pair.strike(name, fault);
      try {
        const elsewhere = await drip();
        const ended = await took(() => stuck.ended);
        expect(ended).toBeGreaterThan(3_000);
        expect(ended).toBeLessThan(9_000);
        expect(elsewhere.endedAt).toBeUndefined();
        elsewhere.stop();
      } finally {
        await pair.mend(name, fault);
      }
    },
    120_000,
  );

  test.each(parts)(
    '%s, frozen for a moment: what lives there goes on',
    async (part) => {
      const live = await drip();
      const name = await pair.inUse(client, part);
      pair.strike(name, 'freeze');
      expect(await ask()).toBe('200');
      await pair.mend(name, 'freeze');
      const before = live.bytes;
      await expect.poll(() => live.bytes, { timeout: 5_000 }).toBeGreaterThan(before);
      expect(live.endedAt).toBeUndefined();
      live.stop();
    },
    120_000,
  );

  test('a Client that was frozen itself blames nobody', async () => {
    const live = await drip();
    const { doubts } = await pair.status(client);
    client.signal('SIGSTOP');
    // Long enough for everything that watches over silence.
    await new Promise((passed) => setTimeout(passed, 7_000));
    client.signal('SIGCONT');
    const before = live.bytes;
    await expect.poll(() => live.bytes, { timeout: 5_000 }).toBeGreaterThan(before);
    expect((await pair.status(client)).doubts).toBe(doubts);
    live.stop();
  }, 120_000);

  test('a relay that is cut off: its Connectors notice, and Clients are told', async () => {
    const name = await pair.inUse(client, 'relay');
    pair.strike(name, 'blackhole');
    try {
      await pair.metAt(2);
      const fresh = await pair.startClient();
      const first = await took(async () => expect(await fetchOnce(fresh.proxy, pair.url)).toBe('200'));
      expect(first).toBeLessThan(patienceMs);
      await fresh.stop();
    } finally {
      await pair.mend(name, 'blackhole');
    }
  }, 120_000);

  test.each(parts)(
    '%s, asked to end and started again: no request fails, what lives is finished',
    async (part) => {
      const name = await pair.inUse(client, part);
      const load = askAllTheTime(client.proxy, pair.url, 4);
      const drops = Array.from({ length: 4 }, () => fetchDrops(client.proxy, pair.url, 30));
      await expect.poll(() => load.answered, { timeout: 20_000 }).toBeGreaterThan(20);
      await pair.agents.get(name)!.stop(15_000);
      await pair.start(name);
      await pair.whole(client);
      expect(await Promise.all(drops)).toEqual(['all', 'all', 'all', 'all']);
      expect(await load.stop()).toEqual([]);
    },
    120_000,
  );
});

describe.skipIf(Namespaces.unavailable !== undefined)('one Connector', () => {
  let pair: Pair;
  let client: AgentProcess & { proxy: string };
  beforeAll(async () => {
    pair = await Pair.open({ connectors: 1 });
  }, 120_000);
  afterAll(() => pair?.stop());
  beforeEach(async () => {
    client = await pair.startWhole();
  }, 90_000);
  afterEach(() => client?.stop());

  const ask = () => fetchOnce(client.proxy, pair.url);

  test.each(faults)(
    'relay, %s: the next flow works by another',
    async (fault) => {
      await pair.whole(client);
      expect(await ask()).toBe('200');
      const name = await pair.inUse(client, 'relay');
      pair.strike(name, fault);
      try {
        const first = await took(async () => expect(await ask()).toBe('200'));
        expect(first).toBeLessThan(patienceMs);
        expect(pair.names.get(await pair.relayInUse(client))).not.toBe(name);
      } finally {
        await pair.mend(name, fault);
      }
    },
    120_000,
  );

  test('asked to end and started again: requests wait for it, and none fails', async () => {
    const load = askAllTheTime(client.proxy, pair.url, 4);
    const drops = fetchDrops(client.proxy, pair.url, 30);
    await expect.poll(() => load.answered, { timeout: 20_000 }).toBeGreaterThan(20);
    await pair.agents.get('connector-1')!.stop(15_000);
    const before = load.answered;
    await pair.start('connector-1');
    await expect.poll(() => load.answered, { timeout: 20_000 }).toBeGreaterThan(before + 20);
    expect(await drops).toBe('all');
    expect(await load.stop()).toEqual([]);
  }, 120_000);

  test('a Client that is asked to end lets what lives finish', async () => {
    const drops = fetchDrops(client.proxy, pair.url, 15);
    const carried = async () => (await pair.status(client)).flows;
    await expect.poll(carried, { timeout: 10_000 }).toBe(1);
    await client.stop();
    expect(await drops).toBe('all');
  }, 60_000);

  test('frozen for good: a flow is told within the time of a handshake, not never', async () => {
    pair.strike('connector-1', 'freeze');
    try {
      expect(await fetchOnce(client.proxy, pair.url, 30_000)).toBe('no_connector');
    } finally {
      await pair.mend('connector-1', 'freeze');
    }
    await expect.poll(ask, { timeout: 20_000 }).toBe('200');
  }, 120_000);
});

async function took(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

/** So many programs that ask again as soon as they have an answer. */
function askAllTheTime(proxy: string, url: string, programs: number) {
  const failed: string[] = [];
  let answered = 0;
  let stopped = false;
  const program = async () => {
    while (!stopped) {
      const answer = await fetchOnce(proxy, url, 30_000).catch(String);
      if (answer === '200') answered++;
      else failed.push(answer);
    }
  };
  const all = Promise.all(Array.from({ length: programs }, program));
  return {
    get answered() {
      return answered;
    },
    /** @returns what was answered instead of a page. */
    async stop(): Promise<string[]> {
      stopped = true;
      await all;
      return failed;
    },
  };
}
