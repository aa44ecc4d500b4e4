/**
 * Whose packets are taken off the device: this host's own, and with `--gateway` those of the networks named
 * there. Whoever else manages to route through this host reaches nothing.
 */
import { networkInterfaces } from 'node:os';
import { contains, formatIp, type Ip, type Prefix, parseIp } from '#schema/name/ip.ts';

/** How long a list of this host's addresses is good for those that are not in it. */
const freshMs = 1_000;

/** @param now monotonic milliseconds. @param own this host's addresses, as texts. */
export function createSources(
  networks: readonly Prefix[],
  now: () => number,
  own: () => string[] = ownAddresses,
): (source: Ip) => boolean {
  let known = new Set<string>();
  let lookedAtMs = Number.NEGATIVE_INFINITY;
  return (source) => {
    if (networks.some((network) => contains(network, source))) return true;
    const text = formatIp(source);
    if (known.has(text)) return true;
    if (now() - lookedAtMs < freshMs) return false;
    known = new Set(own());
    lookedAtMs = now();
    return known.has(text);
  };
}

const ownAddresses = (): string[] =>
  Object.values(networkInterfaces()).flatMap((list) =>
    (list ?? []).flatMap(({ address }) => {
      const ip = parseIp(address.replace(/%.*$/, ''));
      return ip ? [formatIp(ip)] : [];
    }),
  );
