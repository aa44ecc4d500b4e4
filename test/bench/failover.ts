/**
 * How long a program waits for its next flow once a part has failed: killed, frozen or cut off, relay or
 * Connector, with another Connector there or none. Each round has a Client of its own, with idle tunnels.
 * `main.ts` starts it; alone: `node test/bench/failover.ts`.
 */
import { fetchOnce, startDrip } from '../system/origin/drip.ts';
import { Namespaces } from '../world/namespaces.ts';
import { type Fault, faults, Pair, type Part, parts } from '../world/pair.ts';
import { cell } from './report/print.ts';
import { summarise } from './report/statistics.ts';
import { table } from './report/table.ts';

interface Case {
  part: Part;
  fault: Fault;
  connectors: 1 | 2;
}

/** Milliseconds. */
interface Round {
  /** From the fault to the page that the next flow brings. */
  next: number;
  /** The same for the one after it. */
  later: number;
  /** From the fault to the end of a flow that was downloading. */
  stuck?: number;
}

const quick = process.argv.includes('--quick');
const rounds = quick ? 1 : 5;
const cases: Case[] = [
  ...parts.flatMap((part) => faults.map((fault) => ({ part, fault, connectors: 2 as const }))),
  ...faults.map((fault) => ({ part: 'relay' as const, fault, connectors: 1 as const })),
];
const keyOf = ({ part, fault, connectors }: Case) => `${part}_${fault}${connectors === 1 ? '_alone' : ''}`;
const progress = (text: string) => process.stderr.isTTY && process.stderr.write(`\r\x1b[K${text}`);

async function main(): Promise<void> {
  if (Namespaces.unavailable !== undefined) {
    console.log(`! failover: ${Namespaces.unavailable}`);
    return;
  }
  const measured: Record<string, Round[]> = {};
  for (const connectors of [2, 1] as const) {
    const pair = await Pair.open({ connectors });
    try {
      for (let round = 0; round < rounds; round++) {
        for (const one of cases.filter((other) => other.connectors === connectors)) {
          progress(`${keyOf(one)}, round ${round + 1} of ${rounds}`);
          const key = keyOf(one);
          measured[key] = [...(measured[key] ?? []), await measure(pair, one, round === 0)];
        }
      }
    } finally {
      await pair.stop();
    }
  }
  progress('');
  const figures = (list: Round[], key: keyof Round) =>
    summarise(list.flatMap((round) => round[key] ?? []).map(Math.round));
  const rows = cases.map((one) => {
    const list = measured[keyOf(one)]!;
    const columns = (['next', 'later', 'stuck'] as const).map((key) => cell(figures(list, key)));
    return [`${one.part}, ${one.fault}${one.connectors === 1 ? ', one Connector' : ''}`, ...columns];
  });
  const head = ['ms after the fault, median (least–most)', 'next flow', 'one after it', 'stuck flow ends'];
  console.log(table([head, ...rows]));
  if (process.argv.includes('--json')) console.log(JSON.stringify({ bench: 'failover', rounds: measured }));
}

/** @param withStuck also waits for a flow that the fault leaves hanging, which takes seconds. */
async function measure(pair: Pair, { part, fault }: Case, withStuck: boolean): Promise<Round> {
  const client = await pair.startClient();
  try {
    await pair.whole(client);
    const ask = async () => {
      const answer = await fetchOnce(client.proxy, pair.url, 30_000);
      if (answer !== '200') throw new Error(`${part}, ${fault}: ${answer}`);
    };
    await ask();
    const drip = withStuck ? await startDrip(client.proxy, pair.host, pair.port) : undefined;
    const name = await pair.inUse(client, part);
    const began = performance.now();
    pair.strike(name, fault);
    const since = performance.now();
    try {
      await ask();
      const next = performance.now() - since;
      const again = performance.now();
      await ask();
      const later = performance.now() - again;
      await drip?.ended;
      return { next, later, ...(drip && { stuck: performance.now() - began }) };
    } finally {
      drip?.stop();
      await pair.mend(name, fault);
    }
  } finally {
    await client.stop();
  }
}

await main();
process.exit();
