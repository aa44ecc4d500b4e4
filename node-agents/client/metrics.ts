/**
 * `--metrics-port`: what the Client counts, for Prometheus (text format 0.0.4), on loopback alone.
 */
import type { Server } from 'node:http';
import { createServer } from '#node-agents/process/http.ts';
import type { Snapshot } from './snapshot.ts';

/** @returns a server that is not listening yet. */
export function createMetrics(snapshot: () => Snapshot): Server {
  return createServer({ maxHeaderSize: 4096, requestTimeout: 5_000 }, (request, response) => {
    const found = request.url === '/metrics';
    response.writeHead(found ? 200 : 404, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
    response.end(found ? metricsText(snapshot()) : 'not found\n');
  });
}

export function metricsText({
  state,
  controller,
  acl_version,
  networks,
  flows,
  doubts,
  direct_paths: direct,
  udp,
  events,
}: Snapshot): string {
  const connectors = networks.flatMap(({ connectors }) => connectors);
  const values: [name: string, type: 'gauge' | 'counter', help: string, value: number][] = [
    ['online', 'gauge', 'Whether the Client is logged in and connected.', Number(state === 'online')],
    [
      'controller_connected',
      'gauge',
      'Whether the control channel is open.',
      Number(controller.state === 'open'),
    ],
    ['acl_version', 'gauge', 'Version of the ACLs in force.', acl_version ?? 0],
    [
      'resources',
      'gauge',
      'Resources that are granted.',
      networks.reduce((sum, { resources }) => sum + resources, 0),
    ],
    [
      'tunnels',
      'gauge',
      'Open tunnels to Connectors.',
      connectors.filter(({ state }) => state === 'open').length,
    ],
    [
      'tunnels_doubted',
      'gauge',
      'Of the tunnels, those that owe an answer.',
      connectors.filter(({ state }) => state === 'doubted').length,
    ],
    ['doubts_total', 'counter', 'Tunnels that fell silent, so that another was sought.', doubts],
    ['flows', 'gauge', 'Live flows in tunnels.', flows],
    [
      'flows_direct',
      'gauge',
      'Of the flows, those without a relay.',
      connectors.reduce((sum, { flows_direct }) => sum + flows_direct, 0),
    ],
    [
      'tunnels_direct',
      'gauge',
      'Open tunnels without a relay.',
      connectors.filter(({ direct }) => direct?.state === 'up').length,
    ],
    ['direct_paths_opened_total', 'counter', 'Direct paths that came about.', direct.opened],
    [
      'direct_paths_failed_total',
      'counter',
      'Attempts at a direct path that came to nothing.',
      direct.failed,
    ],
    ['associations', 'gauge', 'Live UDP and ICMP associations.', udp.associations],
    [
      'associations_evicted_total',
      'counter',
      'Associations that ended to make room for others.',
      udp.evicted,
    ],
    ['datagrams_up_total', 'counter', 'Datagrams towards Resources.', udp.datagrams_up],
    ['datagrams_down_total', 'counter', 'Datagrams from Resources.', udp.datagrams_down],
    ['datagrams_dropped_total', 'counter', 'Datagrams that found no room.', udp.datagrams_dropped],
    ['events_waiting', 'gauge', 'Events that the Controller has not acknowledged.', events.waiting],
    ['events_dropped_total', 'counter', 'Events dropped because too many waited.', events.dropped],
  ];
  return values
    .map(([name, type, help, value]) => {
      const full = `sallyport_client_${name}`;
      return `# HELP ${full} ${help}\n# TYPE ${full} ${type}\n${full} ${value}\n`;
    })
    .join('');
}
