/**
 * Sallyport against what people use today to reach one port of another network: the same load through a port of
 * this host, a relay and the far end, with AES-256-GCM and both ends authenticated, in the same run.
 */
import { Generator, startOrigin } from '../load/process.ts';
import { beside } from '../measure/beside.ts';
import { coldStart } from '../measure/cold-start.ts';
import type { Comparison, Ends, Way } from '../measure/compare.ts';
import { memory } from '../measure/memory.ts';
import { newFlows } from '../measure/new-flows.ts';
import { requests } from '../measure/requests.ts';
import { throughput } from '../measure/throughput.ts';
import { direct, directTls, plainTls, throughSallyport } from '../path/subjects.ts';
import { missing, type Program, programs } from './install.ts';
import { keepResults } from './results.ts';
import { ssh, throughSsh } from './ssh.ts';
import { haproxy, nginx, stunnel, throughHaproxy, throughNginx, throughStunnel } from './tls-pairs.ts';

const sallyport = { name: 'sallyport', title: 'Sallyport, Node relay' } as const;
const parts = ['near', 'client', 'relay', 'connector', 'far'];
/** Here nobody is asked in a form of its own. */
const plainRequests = requests.columns
  .filter(({ key }) => key.includes('connect'))
  .map((column) => ({ ...column, title: column.title.replace(', CONNECT', '') }));

/** Those that have never been had where this was written, and so are not driven yet. */
const undriven = (name: string, title: string, ...wanted: Program[]): Way => ({
  ...{ name, title },
  build: async () => missing(...wanted) ?? 'installed, but this benchmark does not know how to drive it',
});

export const peers: Comparison = {
  name: 'peers',
  measures: [
    throughput(parts),
    { ...requests, columns: plainRequests },
    beside,
    newFlows,
    coldStart,
    memory(parts),
  ],
  pace: { full: { rounds: 3, milliseconds: 800 }, quick: { rounds: 1, milliseconds: 200 } },
  ends: async () => ({ origin: await startOrigin('127.0.0.99'), generator: await Generator.start() }),
  ways: [
    { name: 'direct', title: 'direct', build: async ({ origin }: Ends) => direct(origin) },
    { ...plainTls, build: async ({ origin }: Ends) => directTls(origin) },
    {
      ...sallyport,
      build: ({ origin }, prefix) =>
        throughSallyport({ ...sallyport, relay: 'node', entrance: 'forward' }, origin, prefix),
    },
    { ...ssh, build: throughSsh },
    { ...haproxy, build: throughHaproxy },
    { ...stunnel, build: throughStunnel },
    { ...nginx, build: throughNginx },
    undriven('chisel', 'chisel', programs.chisel),
    undriven('frp', 'frp', programs.frps, programs.frpc),
    {
      name: 'wireguard_go',
      title: 'wireguard-go',
      build: async () =>
        missing(programs.wireguard) ?? 'an interface and not a port: see the benchmark “transparent”',
    },
  ],
  conclude: keepResults,
};
