/** `sallyportd status`: one word on the first line for scripts, then what a person wants to know. */
import type { StatusConfig } from '#node-agents/process/config.ts';
import type { Host } from '#node-agents/process/host.ts';
import { errors } from '#schema/errors.ts';
import { formatIp } from '#schema/name/ip.ts';
import { deviceAddresses } from '#schema/name/synthetic.ts';
import { askClient } from './local-api.ts';
import type { RefusalStatus } from './refusals.ts';
import type { Snapshot } from './snapshot.ts';

/** @throws SallyportError not_running, after `not-running` was printed. */
export async function runStatus({ stateDir, json }: StatusConfig, host: Host): Promise<void> {
  const snapshot = await askClient<Snapshot>(stateDir, '/status').catch((error) => {
    host.print(json ? `${JSON.stringify({ state: 'not-running' })}\n` : 'not-running\n');
    throw error;
  });
  host.print(json ? `${JSON.stringify(snapshot)}\n` : statusText(snapshot));
}

export function statusText(s: Snapshot): string {
  const { waiting_for: waiting, controller } = s;
  const heard = controller.heard_seconds_ago === null ? '' : `, heard ${controller.heard_seconds_ago} s ago`;
  const rows: [string, string][] = [
    ['Tenant', s.tenant],
    ['Service', `${s.service_account}, key ${s.key}${s.key_expires_at ? ` until ${s.key_expires_at}` : ''}`],
    ...(s.instance ? [['Instance', s.instance] as [string, string]] : []),
    ...(waiting
      ? [['Waiting', `${waiting.code}${waiting.detail ? `: ${waiting.detail}` : ''}`] as [string, string]]
      : []),
    ['Controller', `${controller.state}${heard}`],
    ...Object.entries(s.listeners).map(([name, address]): [string, string] => [
      'Listener',
      `${name} ${address}`,
    ]),
    [
      'Direct',
      s.direct ? 'on: what is no Resource goes straight out' : 'off: what is no Resource is refused',
    ],
    ['Flows', String(s.flows)],
    ['UDP', udpText(s.udp)],
    ...(s.tun ? [['TUN', tunText(s.tun)] as [string, string]] : []),
    ...s.networks.flatMap(({ id, resources, connectors }): [string, string][] => [
      ['Network', `${id}, ${resources} Resources`],
      ...connectors.map(
        ({ hash, state, relay, round_trip_ms: rtt, flows, weight, doubts, ...o }): [string, string] => [
          '  Connector',
          [
            `${hash.slice(0, 12)}… ${state}`,
            ...(o.path === null
              ? []
              : [
                  o.path === 'direct' ? 'direct' : `by ${relay}`,
                  `${flows} flows${o.flows_direct > 0 ? ` (${o.flows_direct} direct)` : ''}`,
                  ...(rtt === null ? [] : [`${rtt} ms`]),
                ]),
            ...(o.direct?.last_failure ? [`no direct path (${o.direct.last_failure})`] : []),
            `weight ${weight}`,
            ...(doubts > 0 ? [`doubted ${doubts}×`] : []),
            ...(o.last_failure ? [o.last_failure] : []),
          ].join(', '),
        ],
      ),
    ]),
    ['Version', s.version],
    ...s.refusals.map((one): [string, string] => ['Refused', refusedText(one)]),
  ];
  return `${s.state}\n${rows.map(([name, value]) => `${name.padEnd(13)}${value}\n`).join('')}`;
}

function refusedText(one: RefusalStatus): string {
  const { at, times, code, detail, protocol, host, port, client_address: from } = one;
  const to = port === null ? host : `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const often = times > 1 ? `, ${times} times` : '';
  const why = `${code}: ${detail ?? errors[code].title}`;
  const whom = from === null || ownAddresses.has(from) ? '' : ` for ${from}`;
  return `${at.slice(0, 19)}Z ${protocol} ${to}${whom}${often}, ${why}`;
}

/** That this host's own programs come from: by a proxy, and by the device. */
const ownAddresses: ReadonlySet<string> = new Set([
  ...['127.0.0.1', '::1'],
  ...[formatIp(deviceAddresses.v4), formatIp(deviceAddresses.v6)],
]);

const udpText = (udp: Snapshot['udp']): string =>
  [
    `${udp.associations} associations`,
    `datagrams ${udp.datagrams_up} out, ${udp.datagrams_down} in, ${udp.datagrams_dropped} dropped`,
    ...(udp.evicted > 0 ? [`${udp.evicted} associations made room for others`] : []),
  ].join(', ');

const tunText = ({ device, prefixes, tcp, udp }: NonNullable<Snapshot['tun']>): string =>
  `${device}, ${prefixes} prefixes, ${tcp.open} TCP flows, ${tcp.held} waiting, ${udp.associations} associations`;
