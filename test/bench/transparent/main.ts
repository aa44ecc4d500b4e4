/**
 * Transparent mode: from a program that knows of nothing to a server in another network, all in network
 * namespaces of the benchmark's own (`ground.ts`). Interception alone is compared with a plain proxy in Node, the
 * whole path with what others have in its place.
 */
import type { Comparison } from '../measure/compare.ts';
import { datagrams } from '../measure/datagrams.ts';
import { newFlows } from '../measure/new-flows.ts';
import { throughput } from '../measure/throughput.ts';
import { openEnds, type TransparentEnds } from './ends.ts';
import { goals } from './goals.ts';
import { direct, interception, plainProxy, wholePath } from './subjects.ts';
import { tailscale } from './tailscale.ts';
import { wireguard } from './wireguard.ts';

export const transparent: Comparison<TransparentEnds> = {
  name: 'transparent',
  measures: [
    throughput(['proxy', 'daemon', 'client', 'relay', 'connector', 'near', 'far']),
    newFlows,
    datagrams,
  ],
  pace: { full: { rounds: 3, milliseconds: 1_000 }, quick: { rounds: 1, milliseconds: 300 } },
  ends: openEnds,
  ways: [
    { name: 'direct', title: 'direct', build: direct },
    { name: 'plain_proxy', title: 'plain Node proxy', build: plainProxy },
    { name: 'interception', title: 'interception alone', build: interception },
    { name: 'whole_path', title: 'whole path', build: wholePath },
    { name: 'wireguard_go', title: 'wireguard-go', build: wireguard },
    { name: 'tailscale', title: 'Tailscale', build: tailscale },
  ],
  conclude: goals,
};
