/**
 * How the questions of this host's programs come to our resolver (`--dns`): as a link of systemd-resolved
 * (`resolved.ts`), by our address in resolv.conf (`resolv-conf.ts`), or by a rule that leads port 53 into the
 * device (`routes.ts`), which reaches no resolver on loopback.
 */
import { contains, parseIp, parsePrefix } from '#schema/name/ip.ts';

export type DnsWay = 'resolved' | 'resolvconf' | 'rule' | 'off';

const loopback = [parsePrefix('127.0.0.0/8')!, parsePrefix('::1/128')!];

/** @param nameservers of resolv.conf; where there is none, programs ask loopback (resolv.conf(5)). */
export function dnsWay(
  asked: DnsWay | 'auto',
  { resolved, nameservers }: { resolved: boolean; nameservers: readonly string[] },
): DnsWay {
  if (asked !== 'auto') return asked;
  if (resolved) return 'resolved';
  return nameservers.length === 0 || nameservers.some(isLoopback) ? 'resolvconf' : 'rule';
}

function isLoopback(address: string): boolean {
  const ip = parseIp(address.replace(/%.*$/, ''));
  return ip !== undefined && loopback.some((prefix) => contains(prefix, ip));
}
