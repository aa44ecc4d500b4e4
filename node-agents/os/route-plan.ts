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
import type { Family } from './ip.ts';

export const tables = { protected: 7057, dns: 7053 } as const;
/** Mark of the daemon's own sockets (SO_MARK). */
export const ownMark = 0x7057;
/** No other route of the table can be worse. */
const lastMetric = 4_278_198_272;
const deviceMetric = 10;
const firstPref = 5200;
const lastPref = 5209;

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
  action?: string;
}

/** As `ip -json route show table …` prints one. */
export interface ListedRoute {
  type?: string;
  dst: string;
  dev?: string;
  metric?: number;
}

export const familyOf = (address: string): Family => (address.includes(':') ? 6 : 4);

/** The rules of one family, each as `ip rule add` takes it, by priority. */
export function rulesOf(plan: RoutePlan, family: Family): string[] {
  const only = plan.captureDns === 'host' ? 'iif lo ' : '';
  const dns = (pref: number, protocol: string) =>
    plan.captureDns === 'none'
      ? []
      : [`pref ${pref} ${only}ipproto ${protocol} dport 53 lookup ${tables.dns}`];
  // VPNs that take everything put two halves (or 2000::/3) beside the default route: no LAN either.
  const defaults = family === 4 ? 1 : 3;
  return [
    `pref ${firstPref} fwmark 0x${ownMark.toString(16)} goto ${lastPref}`,
    ...dns(5201, 'udp'),
    ...dns(5202, 'tcp'),
    ...(plan.override ?? [])
      .filter((prefix) => familyOf(prefix) === family)
      .map((prefix) => `pref 5203 to ${prefix} lookup ${tables.protected}`),
    `pref 5204 lookup main suppress_prefixlength ${defaults}`,
    `pref 5205 lookup ${tables.protected}`,
    `pref ${lastPref} nop`,
  ];
}

export const isOurs = (rule: ListedRule): boolean => rule.priority >= firstPref && rule.priority <= lastPref;

/** What keeps a prefix closed while there is no device. */
export const closed = (prefix: string): string =>
  `unreachable ${prefix} table ${tables.protected} metric ${lastMetric}`;

export const intoDevice = (prefix: string, device: string): string =>
  `${prefix} dev ${device} table ${tables.protected} metric ${deviceMetric}`;

export const dnsIntoDevice = (device: string): string => `default dev ${device} table ${tables.dns}`;
