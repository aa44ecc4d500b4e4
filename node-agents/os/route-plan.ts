/**
 * Which rules and routes send protected addresses into the TUN device, as data: what `routes.ts` compares
 * with the host's and sets. Everything is in two tables and one block of rules of our own, so that the host's
 * main table is never touched and removal cannot take anything that is not ours.
 *
 *   5200  fwmark MARK          goto 5209          the daemon's own sockets skip the block
 *   5201  udp, port 53         lookup DNS         empty once the device is gone: falls through
 *   5202  tcp, port 53         lookup DNS
 *   5203  to an overridden CIDR lookup PROTECTED
 *   5204  lookup main, but not its default routes  a LAN of the host wins over an equal protected CIDR
 *   5205  lookup PROTECTED
 *   5209  nop                                     (`not fwmark` would invert the whole selector)
 *
 * PROTECTED holds each prefix twice: into the device, and `unreachable` with a worse metric, which stays when
 * the process is killed: fail closed.
 */
import { SallyportError } from '#schema/errors.ts';
import { formatPrefix, networkOf, parseIp, parsePrefix } from '#schema/name/ip.ts';
import type { Family } from './ip.ts';

export const tables = { protected: 7057, dns: 7053 } as const;
/** Mark of the daemon's own sockets (SO_MARK). */
export const ownMark = 0x7057;
/** No other route of the table can be worse. */
const lastMetric = 4_278_198_272;
const deviceMetric = 10;
const firstPref = 5200;
const lastPref = 5209;

export const isOurTable = (table: number): boolean => table === tables.protected || table === tables.dns;

export const isOurPreference = (pref: number): boolean => pref >= firstPref && pref <= lastPref;

export interface RoutePlan {
  device: string;
  /** Of the device itself, with their length: `100.96.0.1/32`, `fd96::1/128`. */
  addresses: readonly string[];
  /** CIDRs that go into the device, v4 and v6, synthetic ranges included. */
  prefixes: readonly string[];
  /** CIDRs out of `prefixes` that win even over an equal or longer route of the host's main table. */
  override?: readonly string[];
  /** Whose packets to port 53 go into the device: nobody's, this host's own, or also forwarded ones. */
  captureDns: 'none' | 'host' | 'all';
  /** Whether the device's packets pass reverse-path filters, whatever the routes say (`reverse-path.ts`). */
  lenient?: boolean;
  /** False where the kernel has no IPv6; v6 prefixes are then left out. */
  ipv6: boolean;
}

/** As `ip -json rule` prints one. */
export interface ListedRule {
  priority: number;
  src?: string;
  dst?: string;
  dstlen?: number;
  iif?: string;
  fwmark?: string;
  table?: string | number;
  ipproto?: string;
  dport?: number | string;
  goto?: number;
  suppress_prefixlen?: number;
  nop?: unknown;
}

/** As `ip -json route show table …` prints one. */
export interface ListedRoute {
  /** Absent of a plain one. */
  type?: string;
  dst: string;
  dev?: string;
}

/** The rules of one family, each as `ip rule add` takes it, by priority. */
export function rulesOf(plan: RoutePlan, family: Family): string[] {
  const dns = (pref: number, protocol: string, from = '') =>
    `pref ${pref} ${from}ipproto ${protocol} dport 53 lookup ${tables.dns}`;
  const captured: Record<RoutePlan['captureDns'], string[]> = {
    none: [],
    all: [dns(5201, 'udp'), dns(5202, 'tcp')],
    // For rules on `lo` alone the kernel does not look at ports when it checks where an answer came from. That lets
    // the daemon's own resolvers through a strict filter, and drops what we answer unless our device is lenient.
    // The last rule matches nothing; it makes the kernel look, which is right the other way round.
    host: [
      dns(5201, 'udp', 'iif lo '),
      dns(5202, 'tcp', 'iif lo '),
      ...(plan.lenient ? [] : [dns(5202, 'udp', `iif ${plan.device} `)]),
    ],
  };
  // VPNs that take everything put two halves (or 2000::/3) beside the default route: no LAN either.
  const defaults = family === 4 ? 1 : 3;
  return [
    `pref ${firstPref} fwmark 0x${ownMark.toString(16)} goto ${lastPref}`,
    ...captured[plan.captureDns],
    ...prefixesOf(plan.override ?? [], family).map(
      (prefix) => `pref 5203 to ${prefix} lookup ${tables.protected}`,
    ),
    `pref 5204 lookup main suppress_prefixlength ${defaults}`,
    `pref 5205 lookup ${tables.protected}`,
    `pref ${lastPref} nop`,
  ];
}

/** What is missing, and what is there without being wanted. Wanted ones that are there already stay untouched. */
export interface Difference {
  add: string[];
  remove: string[];
}

export function compareRules(
  wanted: readonly string[],
  listed: readonly ListedRule[],
  family: Family,
): Difference {
  return difference(wanted, listed.map((rule) => ruleText(rule, family)).filter(isOurs));
}

/** Routes of the two tables of one family, each as `ip route replace` takes it. */
export function routesOf(plan: RoutePlan, family: Family): { closed: string[]; open: string[] } {
  const prefixes = prefixesOf(plan.prefixes, family);
  return {
    closed: prefixes.map((prefix) => `unreachable ${prefix} ${closedRoute}`),
    open: [
      ...prefixes.map((prefix) => `${prefix} dev ${plan.device} ${openRoute}`),
      ...(plan.captureDns === 'none' ? [] : [`${everything(family)} dev ${plan.device} table ${tables.dns}`]),
    ],
  };
}

export function compareRoutes(
  wanted: readonly string[],
  listed: { protected: readonly ListedRoute[]; dns: readonly ListedRoute[] },
  family: Family,
): Difference {
  const there = [
    ...listed.protected.map(({ type, dst, dev }) =>
      type === 'unreachable'
        ? `unreachable ${listedPrefix(dst, family)} ${closedRoute}`
        : `${listedPrefix(dst, family)} dev ${dev} ${openRoute}`,
    ),
    ...listed.dns.map(({ dst, dev }) => `${listedPrefix(dst, family)} dev ${dev} table ${tables.dns}`),
  ];
  return difference(wanted, there);
}

/** The prefixes that are closed whether or not there is a device, as they were given. */
export const closedPrefixes = (listed: readonly ListedRoute[], family: Family): string[] =>
  listed.flatMap(({ type, dst }) => (type === 'unreachable' ? [listedPrefix(dst, family)] : []));

/** Those of one family, in the one way of writing that `ip` lists them in, each once. */
export function prefixesOf(prefixes: readonly string[], family: Family): string[] {
  const found = new Set<string>();
  for (const text of prefixes) {
    const ip = parseIp(text);
    const prefix = ip ? { ip, length: ip.family === 4 ? 32 : 128 } : parsePrefix(text);
    if (!prefix) throw new SallyportError('internal_error', `${text} is no prefix`);
    if (prefix.ip.family === family) found.add(formatPrefix(networkOf(prefix)));
  }
  return [...found];
}

const closedRoute = `table ${tables.protected} metric ${lastMetric}`;
const openRoute = `table ${tables.protected} metric ${deviceMetric}`;

const everything = (family: Family) => (family === 4 ? '0.0.0.0/0' : '::/0');

/** `default`, an address without its full length, or a prefix. */
const listedPrefix = (dst: string, family: Family): string =>
  dst === 'default' ? everything(family) : (prefixesOf([dst], family)[0] ?? dst);

function ruleText(rule: ListedRule, family: Family): string {
  const words = [`pref ${rule.priority}`];
  if (rule.dst)
    words.push(
      `to ${listedPrefix(rule.dstlen === undefined ? rule.dst : `${rule.dst}/${rule.dstlen}`, family)}`,
    );
  if (rule.fwmark) words.push(`fwmark ${rule.fwmark}`);
  if (rule.iif) words.push(`iif ${rule.iif}`);
  if (rule.ipproto) words.push(`ipproto ${rule.ipproto}`);
  if (rule.dport !== undefined) words.push(`dport ${rule.dport}`);
  if (rule.table !== undefined) words.push(`lookup ${rule.table}`);
  if (rule.suppress_prefixlen !== undefined) words.push(`suppress_prefixlength ${rule.suppress_prefixlen}`);
  if (rule.goto !== undefined) words.push(`goto ${rule.goto}`);
  if (rule.nop !== undefined) words.push('nop');
  return words.join(' ');
}

/** Whether we made it: somebody else may use the same priorities. */
const isOurs = (text: string): boolean => {
  return (
    isOurPreference(Number(text.split(' ')[1])) &&
    new RegExp(
      `lookup (${tables.protected}|${tables.dns})$|lookup main suppress_prefixlength|goto ${lastPref}$|^pref ${lastPref} nop$`,
    ).test(text)
  );
};

function difference(wanted: readonly string[], there: readonly string[]): Difference {
  const [want, have] = [new Set(wanted), new Set(there)];
  return { add: wanted.filter((one) => !have.has(one)), remove: there.filter((one) => !want.has(one)) };
}
