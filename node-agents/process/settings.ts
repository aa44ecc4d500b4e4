/**
 * What every command of `sallyportd` can be told, in tables: flag, environment variable, how its text is
 * read, what holds without it, and its line in the help. `config.ts` reads a command's configuration through
 * its table and `help.ts` prints it; nothing else knows a flag's name.
 */
import { maxWeight, usualWeight } from '#schema/path/spread.ts';
import { levels } from './log.ts';
import * as values from './values.ts';
import { type Environment, Malformed } from './values.ts';

export interface Setting<T> {
  /** Without its dashes; absent for what must not stand on a command line. */
  flag?: string;
  env: string;
  /** What the help shows for the value; empty for a switch without one. */
  placeholder: string;
  help: string;
  repeatable: boolean;
  read(texts: string[], env: Environment): T;
  fallback(env: Environment): T;
  /** Texts in the environment, where it is not just one variable. */
  gather?(env: Environment): string[];
}

export type Settings = Readonly<Record<string, Setting<unknown>>>;
export type ConfigOf<S extends Settings> = Readonly<{
  [K in keyof S]: S[K] extends Setting<infer T> ? T : never;
}>;

type Parse<T> = (text: string, env: Environment) => T;

const envOf = (flag: string): string => `SALLYPORT_${flag.toUpperCase().replaceAll('-', '_')}`;

function option<T>(flag: string, placeholder: string, parse: Parse<T>, help: string): Setting<T | undefined> {
  return {
    flag,
    env: envOf(flag),
    placeholder,
    help,
    repeatable: false,
    read: (texts, env) => parse(texts.at(-1) ?? '', env),
    fallback: () => undefined,
  };
}

function withDefault<T>(setting: Setting<T | undefined>, fallback: (env: Environment) => T): Setting<T> {
  return { ...setting, read: setting.read as Setting<T>['read'], fallback };
}

function required<T>(setting: Setting<T | undefined>): Setting<T> {
  return withDefault(setting, () => {
    throw new Malformed(`not given; pass --${setting.flag} ${setting.placeholder} or set ${setting.env}`);
  });
}

function many<T>(flag: string, placeholder: string, parse: Parse<T>, help: string): Setting<readonly T[]> {
  return {
    flag,
    env: envOf(flag),
    placeholder,
    help,
    repeatable: true,
    read: (texts, env) => Object.freeze(texts.map((text) => parse(text, env))),
    fallback: () => Object.freeze([]),
  };
}

const toggle = (flag: string, help: string): Setting<boolean> => ({
  flag,
  env: envOf(flag),
  placeholder: '',
  help,
  repeatable: false,
  read: (texts) =>
    values
      .oneOf(
        'true',
        'false',
        '1',
        '0',
      )(texts.at(-1) ?? 'true')
      .match(/true|1/) !== null,
  fallback: () => false,
});

const withoutFlag = <T>({ flag: _, ...setting }: Setting<T>, env: string): Setting<T> => ({
  ...setting,
  env,
});

const stateDir = withDefault(
  option('state-dir', 'PATH', values.path, 'where keys and state are kept, mode 0700'),
  (env) => defaultStateDir(env),
);
const logLevel = withDefault(
  option('log-level', levels.join('|'), values.oneOf(...levels), 'log JSON lines from this level on (info)'),
  () => 'info' as const,
);
const metricsPort = option('metrics-port', 'PORT', (text) => values.port(text), 'serve metrics on loopback');
const json = toggle('json', 'print JSON');
const enrollToken = option('enroll-token', 'TOKEN', values.secretValue, 'one-time token of the first start');

const p2p = (peers: string) =>
  withDefault(
    option(
      'p2p',
      'off|auto',
      values.oneOf('off', 'auto'),
      `meet ${peers} without a relay where networks let it, by outgoing connections; Linux (auto)`,
    ),
    () => 'auto' as const,
  );

export const clientSettings = {
  httpProxy: option('http-proxy', 'ADDR:PORT', values.listenAddress, 'offer an HTTP proxy here'),
  socks5: option('socks5', 'ADDR:PORT', values.listenAddress, 'offer a SOCKS5 proxy here'),
  forward: many(
    'forward',
    '[udp:][ADDR:]PORT=HOST:PORT',
    values.forward,
    'listen here and forward to this Resource, by TCP or UDP; may be repeated',
  ),
  udpTimeout: withDefault(
    option('udp-timeout', 'SECONDS', values.seconds(1, 300), 'end UDP associations unused for so long (120)'),
    () => 120,
  ),
  tun: withDefault(
    option(
      'tun',
      'on|off|auto',
      values.oneOf('on', 'off', 'auto'),
      'transparent mode: any program reaches Resources by name and address; root, Linux (off)',
    ),
    () => 'off' as const,
  ),
  dns: withDefault(
    option(
      'dns',
      'auto|resolved|resolvconf|rule|off',
      values.oneOf('auto', 'resolved', 'resolvconf', 'rule', 'off'),
      'with --tun: how programs’ questions for names come to the Client (auto)',
    ),
    () => 'auto' as const,
  ),
  gateway: many(
    'gateway',
    'CIDR',
    values.network,
    'with --tun on: devices of this network reach Resources through this host; may be repeated',
  ),
  dnsListen: many(
    'dns-listen',
    'ADDR:PORT',
    values.listenAddress,
    'with --gateway: answer the DNS questions of those devices here; may be repeated',
  ),
  p2p: p2p('Connectors'),
  direct: withDefault(
    option('direct', 'on|off', values.onOff, 'let what is no Resource go straight out (on)'),
    () => true,
  ),
  proxyPassword: option(
    'proxy-password',
    'env:NAME|file:PATH',
    values.userAndPassword,
    'ask users of the proxies for this user:password',
  ),
  serviceKey: withDefault(
    option(
      'service-key',
      'PATH|-|env:NAME',
      values.keySource,
      'the Service Key (/etc/sallyport/service_key.json)',
    ),
    () => ({ from: 'file', path: '/etc/sallyport/service_key.json' }) as const,
  ),
  stateDir,
  logLevel,
  metricsPort,
} satisfies Settings;

const labels: Setting<Readonly<Record<string, string>>> = {
  ...many('label', 'KEY=VALUE', values.label, 'describe this Connector; may be repeated'),
  env: 'SALLYPORT_LABEL_<KEY>',
  read: (texts) => Object.freeze(Object.fromEntries(texts.map(values.label))),
  fallback: () => Object.freeze({}),
  gather: (env) =>
    Object.entries(env).flatMap(([name, value]) => {
      const [, key] = /^SALLYPORT_LABEL_(.+)$/.exec(name) ?? [];
      return key && value ? [`${key.toLowerCase()}=${value}`] : [];
    }),
};

export const connectorSettings = {
  url: required(option('url', 'URL', values.url, 'the Tenant, for instance https://acme.example.com')),
  enrollToken,
  connectorKey: withoutFlag(
    option(
      'connector-key',
      'PEM|env:NAME|file:PATH',
      values.secretValue,
      'private key, for containers without a disk',
    ),
    'SALLYPORT_CONNECTOR_KEY',
  ),
  stateDir,
  dns: many(
    'dns',
    'ADDR[:PORT]',
    values.resolver,
    'resolve Resources here, not by the system; may be repeated',
  ),
  p2p: p2p('Clients'),
  labels,
  weight: withDefault(
    option(
      'weight',
      'NUMBER',
      values.whole(0, maxWeight),
      `share of the load beside other Connectors; 0 stands by (${usualWeight})`,
    ),
    () => usualWeight,
  ),
  logLevel,
  metricsPort,
} satisfies Settings;

export const relaySettings = {
  listen: withDefault(
    option('listen', 'ADDR:PORT', values.listenAddress, 'accept agents here (0.0.0.0:8443)'),
    () => ({ host: '0.0.0.0', port: 8443 }),
  ),
  url: required({
    ...option('url', 'URL', values.url, 'where agents reach this relay'),
    env: 'SALLYPORT_RELAY_URL',
  }),
  controllerUrl: required({
    ...option('controller-url', 'URL', values.url, 'the deployment’s Controller'),
    env: 'SALLYPORT_URL',
  }),
  issuers: many(
    'issuer',
    'URL',
    values.url,
    'a Tenant with a host name of its own, whose tokens count here too; may be repeated',
  ),
  enrollToken,
  tlsCert: option('tls-cert', 'PATH', values.path, 'PEM chain; without it the relay speaks plain HTTP'),
  tlsKey: option('tls-key', 'PATH', values.path, 'PEM key of --tls-cert'),
  stateDir,
  logLevel,
  metricsPort,
} satisfies Settings;

export const healthSettings = { stateDir, json, logLevel } satisfies Settings;
export const statusSettings = { stateDir, json, logLevel } satisfies Settings;
export const resourcesSettings = statusSettings;
export const reportSettings = {
  output: withDefault(option('output', 'PATH|-', values.path, 'write the report here (-)'), () => '-'),
  stateDir,
  logLevel,
} satisfies Settings;
export const loginSettings = {
  network: required(option('network', 'URL', values.url, 'the Tenant to log in to, https://…/t/<tenant>')),
  device: toggle('device', 'show a code to type elsewhere, for a device without a browser'),
  sessionFile: withDefault(
    option('session-file', 'PATH', values.path, 'keep the login here (<state-dir>/session.json)'),
    (env) => `${defaultStateDir(env)}/session.json`,
  ),
  logLevel,
} satisfies Settings;
export const setupSettings = {
  headless: option('headless', 'FILE|-', values.keySource, 'the Service Key to install'),
  uninstall: toggle(
    'uninstall',
    'stop the unit, and remove it, the Service Key and what a killed Client left',
  ),
  serviceKey: withDefault(
    option('service-key', 'PATH', values.path, 'install it here (/etc/sallyport/service_key.json)'),
    () => '/etc/sallyport/service_key.json',
  ),
  offline: toggle('offline', 'install it without trying to log in'),
  noSystemd: toggle('no-systemd', 'install no unit, also where systemd runs'),
  unitDir: withDefault(
    option('unit-dir', 'PATH', values.path, 'install the unit here (/etc/systemd/system)'),
    () => '/etc/systemd/system',
  ),
  logLevel,
} satisfies Settings;

function defaultStateDir(env: Environment): string {
  if (process.getuid?.() === 0) return '/var/lib/sallyport';
  if (env['XDG_STATE_HOME']) return `${env['XDG_STATE_HOME']}/sallyport`;
  if (env['HOME']) return `${env['HOME']}/.local/state/sallyport`;
  return '/var/lib/sallyport';
}
