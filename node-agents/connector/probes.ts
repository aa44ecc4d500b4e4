/**
 * What an orchestrator asks of a Connector over HTTP: `/livez` (the process answers), `/readyz` (Clients can
 * reach their Resources through it) and `/metrics` (Prometheus text format 0.0.4). On loopback only, and only
 * when a port is given.
 */
import { once } from 'node:events';
import { SallyportError } from '#schema/errors.ts';
import { createServer } from '../process/http.ts';
import type { Health } from './health.ts';

/** @throws SallyportError address_in_use. */
export async function serveProbes(port: number, health: () => Health): Promise<{ close(): void }> {
  const server = createServer((request, response) => {
    const answer = (status: number, body: string, type = 'text/plain; charset=utf-8') => {
      response.writeHead(status, { 'content-type': type }).end(body);
    };
    const path = request.url?.split('?')[0];
    if (path === '/livez') return answer(200, 'ok\n');
    if (path === '/metrics')
      return answer(200, metrics(health()), 'text/plain; version=0.0.4; charset=utf-8');
    if (path !== '/readyz') return answer(404, 'not found\n');
    const { healthy, problems } = health();
    answer(healthy ? 200 : 503, healthy ? 'ok\n' : `${problems.join('\n')}\n`);
  });
  server.listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch (cause) {
    throw new SallyportError('address_in_use', `127.0.0.1:${port} (--metrics-port)`, { cause });
  }
  return {
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function metrics(health: Health): string {
  const gauges: [name: string, help: string, value: number][] = [
    [
      'controller_connected',
      'Whether the control channel is open.',
      Number(health.controller.state === 'open'),
    ],
    ['relays_connected', 'Relays that this Connector can be met at.', connectedOf(health)],
    ['acl_version', 'Version of the Connector ACL in force.', health.acl.version ?? 0],
    [
      'acl_stale',
      'Whether everything is refused for want of a word from the Controller.',
      Number(health.acl.stale),
    ],
    ['acl_resources', 'Resources of the Remote Network.', health.acl.resources],
    ['tunnels', 'Tunnels of Clients.', health.tunnels],
    ['tunnels_direct', 'Of the tunnels, those without a relay.', health.tunnels_direct],
    ['flows', 'Live flows.', health.flows],
    ['weight', 'Share of the load that Clients are told.', health.weight],
    ['utilisation', 'How much of what is scarcest is in use, 0 to 1.', health.utilisation],
    ['events_waiting', 'Events that the Controller has not acknowledged.', health.events_waiting],
  ];
  return gauges
    .map(([name, help, value]) => {
      const full = `sallyport_connector_${name}`;
      return `# HELP ${full} ${help}\n# TYPE ${full} gauge\n${full} ${value}\n`;
    })
    .join('');
}

const connectedOf = ({ relays }: Health): number =>
  relays.filter(({ state }) => state === 'connected').length;
