/**
 * The commands of `sallyportd`: what each is for, its settings, and what must hold between several of them.
 * The first words of the command line choose one; without any it is `client`.
 */
import type { ConfigOf } from './settings.ts';
import * as settings from './settings.ts';
import { Malformed } from './values.ts';

export interface CommandTable {
  summary: string;
  settings: settings.Settings;
}

export const commands = {
  client: {
    summary: 'bring this machine’s programs to the Resources of a Service Key (the default)',
    settings: settings.clientSettings,
  },
  connector: {
    summary: 'bring Clients to the Resources of this network',
    settings: settings.connectorSettings,
  },
  'connector health': {
    summary: 'exit 0 when the Connector of this machine is connected',
    settings: settings.healthSettings,
  },
  relay: { summary: 'let Clients and Connectors meet', settings: settings.relaySettings },
  status: { summary: 'how the Client of this machine stands', settings: settings.statusSettings },
  resources: {
    summary: 'what the Client of this machine may reach',
    settings: settings.resourcesSettings,
  },
  login: {
    summary: 'log a person in on this device, by their identity provider',
    settings: settings.loginSettings,
  },
  setup: {
    summary: 'install a Service Key, and the unit of systemd, or remove both',
    settings: settings.setupSettings,
  },
  report: {
    summary: 'collect what support needs, without secrets',
    settings: settings.reportSettings,
  },
} as const satisfies Record<string, CommandTable>;

export type CommandName = keyof typeof commands;
export type Config<C extends CommandName> = ConfigOf<(typeof commands)[C]['settings']>;

export type ClientConfig = Config<'client'>;
export type ConnectorConfig = Config<'connector'>;
export type RelayConfig = Config<'relay'>;
export type HealthConfig = Config<'connector health'>;
export type StatusConfig = Config<'status'>;
export type ResourcesConfig = Config<'resources'>;
export type LoginConfig = Config<'login'>;
export type SetupConfig = Config<'setup'>;
export type ReportConfig = Config<'report'>;

/** What no single setting can know. */
export const checks: { [C in CommandName]?: (config: Config<C>) => void } = {
  client({ httpProxy, socks5, forward, tun, gateway, dnsListen }) {
    if (gateway.length > 0 && tun !== 'on') throw new Malformed('--gateway needs --tun on');
    if (dnsListen.length > 0 && gateway.length === 0)
      throw new Malformed('--dns-listen is for devices behind this host; say whose with --gateway CIDR');
    if (!httpProxy && !socks5 && forward.length === 0 && tun !== 'on')
      throw new Malformed(
        'nothing would lead to the Resources; pass --http-proxy ADDR:PORT, --socks5 ADDR:PORT, --forward PORT=HOST:PORT or --tun on',
      );
  },
  setup({ headless, uninstall }) {
    if (headless === undefined && !uninstall)
      throw new Malformed('pass --headless FILE|- with the Service Key to install, or --uninstall');
    if (headless !== undefined && uninstall)
      throw new Malformed('--headless and --uninstall exclude one another; pass one of them');
  },
  relay({ tlsCert, tlsKey }) {
    if ((tlsCert === undefined) !== (tlsKey === undefined))
      throw new Malformed('--tls-cert and --tls-key belong together; pass both or neither');
  },
};
