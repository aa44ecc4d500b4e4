/**
 * Load over two Connectors of one Remote Network, weighted by what they tell: what Clients are shown, and where
 * the flows of a single busy one go. How instances spread is `test/unit/schema/path/spread.test.ts`.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fewFlows } from '#schema/path/spread.ts';
import { Namespaces } from '../world/namespaces.ts';
import { Pair } from '../world/pair.ts';
import type { AgentProcess } from '../world/process.ts';
import { type Drip, startDrip } from './origin/drip.ts';

describe.skipIf(Namespaces.unavailable !== undefined)(
  'two Connectors, one of them of three times the weight',
  () => {
    let pair: Pair;
    let client: AgentProcess & { proxy: string };
    beforeAll(async () => {
      pair = await Pair.open({ env: { 'connector-2': { SALLYPORT_WEIGHT: '300' } } });
      client = await pair.startClient();
      await pair.whole(client);
    }, 120_000);
    afterAll(() => pair?.stop());

    /** What the Client knows of each, by name. */
    async function shown(): Promise<Record<string, { weight: number; flows: number }>> {
      return Object.fromEntries(
        (await pair.connectors(client)).map(({ hash, weight, flows }) => [
          pair.names.get(hash),
          { weight, flows },
        ]),
      );
    }
    const weights = async () =>
      Object.fromEntries(Object.entries(await shown()).map(([name, { weight }]) => [name, weight]));

    test('are shown with their weights, to Clients and to administrators', async () => {
      await expect.poll(weights).toEqual({ 'connector-1': 100, 'connector-2': 300 });
      const { items } = await pair.world.admin.get('/connectors');
      expect(items.map((one: { name: string; weight: number }) => [one.name, one.weight])).toEqual([
        ['connector-1', 100],
        ['connector-2', 300],
      ]);
    });

    test('few flows of one Client stay together, many are shared by weight', async () => {
      await expect.poll(weights).toEqual({ 'connector-1': 100, 'connector-2': 300 });
      const drips: Drip[] = [];
      const open = async (count: number) => {
        while (drips.length < count) drips.push(await startDrip(client.proxy, pair.host, pair.port));
      };
      const carried = async () => Object.values(await shown()).map(({ flows }) => flows);
      await open(fewFlows);
      expect((await carried()).toSorted((a, b) => a - b)).toEqual([0, fewFlows]);
      await open(80);
      expect(await shown()).toMatchObject({ 'connector-1': { flows: 20 }, 'connector-2': { flows: 60 } });
      for (const drip of drips) drip.stop();
      await expect.poll(carried).toEqual([0, 0]);
    }, 60_000);

    test('one that is busy for a while asks for less, and Clients are told', async () => {
      const chunk = Buffer.alloc(256 * 1024);
      const source = createServer((_, response) => {
        const pour = () => {
          while (!response.destroyed && response.write(chunk));
        };
        response.on('drain', pour);
        pour();
      });
      source.listen(await pair.world.port(), pair.host);
      await once(source, 'listening');
      const { port } = source.address() as { port: number };
      const name = await pair.inUse(client, 'connector');
      const download = ['-sp', '-x', `http://${client.proxy}`, '-o', '/dev/null'];
      const curls = [1, 2].map(() => spawn('curl', [...download, `http://${pair.host}:${port}/`]));
      try {
        const said = await pair.agents.get(name)!.line('load_changed', 60_000);
        const full = name === 'connector-1' ? 100 : 300;
        expect(said).toMatchObject({ load: 'busy', weight: full / 2 });
        await expect.poll(async () => (await weights())[name]).toBeLessThan(full);
      } finally {
        for (const curl of curls) curl.kill();
        source.closeAllConnections();
        source.close();
      }
    }, 120_000);
  },
);
