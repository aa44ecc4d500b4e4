/**
 * The path benchmark: Client → relay → Connector → origin against plain loopback, in the same run.
 * `subjects.ts` builds the ways, `measure/compare.ts` measures them in turn.
 */
import { Generator, startOrigin } from '../load/process.ts';
import { beside } from '../measure/beside.ts';
import { coldStart } from '../measure/cold-start.ts';
import type { Comparison, Ends } from '../measure/compare.ts';
import { memory } from '../measure/memory.ts';
import { newFlows } from '../measure/new-flows.ts';
import { requests } from '../measure/requests.ts';
import { throughput } from '../measure/throughput.ts';
import { direct, directTls, plainTls, type SallyportWay, throughSallyport } from './subjects.ts';

const parts = ['client', 'relay', 'connector'];
const sallyports: SallyportWay[] = [
  { name: 'node_relay', title: 'Node relay', relay: 'node' },
  { name: 'websocket_relay', title: 'Node relay by WebSocket', relay: 'websocket' },
  { name: 'edge_relay', title: 'edge relay', relay: 'edge' },
  { name: 'p2p', title: 'direct path', relay: 'node', direct: true },
];

export const path: Comparison = {
  name: 'path',
  measures: [throughput(parts), requests, beside, newFlows, coldStart, memory(parts)],
  pace: { full: { rounds: 5, milliseconds: 1_200 }, quick: { rounds: 2, milliseconds: 200 } },
  ends: async () => ({ origin: await startOrigin('127.0.0.99'), generator: await Generator.start() }),
  ways: [
    { name: 'direct', title: 'direct', build: async ({ origin }) => direct(origin) },
    { ...plainTls, build: async ({ origin }) => directTls(origin) },
    ...sallyports.map((way) => ({
      ...way,
      build: ({ origin }: Ends, prefix: string[]) => throughSallyport(way, origin, prefix),
    })),
  ],
};
