/** `sallyportd resources`: what the running Client may reach, as a table or as JSON. */
import type { ResourcesConfig } from '#node-agents/process/config.ts';
import type { Host } from '#node-agents/process/host.ts';
import type { Ports } from '#schema/acl/document.ts';
import { askClient } from './local-api.ts';
import type { ResourceStatus } from './snapshot.ts';

/** @throws SallyportError not_running. */
export async function runResources({ stateDir, json }: ResourcesConfig, host: Host): Promise<void> {
  const resources = await askClient<ResourceStatus[]>(stateDir, '/resources');
  host.print(json ? `${JSON.stringify(resources)}\n` : resourcesText(resources));
}

export function resourcesText(resources: readonly ResourceStatus[]): string {
  if (resources.length === 0) return 'No Resource is granted to this Service Account.\n';
  const rows = resources.map(({ address, alias, tcp, udp, icmp, reachable, until, network }) => [
    alias === null ? address : `${address} (${alias})`,
    portsText(tcp),
    portsText(udp),
    icmp ? 'yes' : 'no',
    reachable ? 'yes' : 'no',
    until ?? '',
    network,
  ]);
  const table = [['ADDRESS', 'TCP', 'UDP', 'ICMP', 'REACHABLE', 'UNTIL', 'NETWORK'], ...rows];
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
  return table
    .map(
      (row) =>
        `${row
          .map((cell, i) => cell.padEnd(widths[i]!))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

const portsText = (ports: Ports): string =>
  typeof ports === 'string'
    ? ports
    : ports.map(({ from, to }) => (from === to ? `${from}` : `${from}-${to}`)).join(',');
