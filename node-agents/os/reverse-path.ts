/**
 * Strict reverse-path filters (`rp_filter=1`, as RHEL sets them) drop what arrives where answers to it would not go.
 * Answers of resolvers come from the TUN device to programs, and from the network to the daemon itself: no
 * route can be right for both. So our own device is made lenient, which touches nobody else's; where that
 * is not allowed, or devices of a LAN are to be heard too, `route-plan.ts` needs to know.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

/** @returns whether packets of this device pass, whatever the routes say. It must be there. */
export function loosen(device: string, root = settings): boolean {
  // The loose filter still wants some route to where a packet came from; it is set only where that is the best there is.
  const most = settingOf(root, 'all') === strict ? '2' : '0';
  try {
    writeFileSync(`${root}/${device}/rp_filter`, most);
  } catch {
    // Read-only, as in containers: what is set there holds.
  }
  return !isStrict(device, root);
}

/** Whether any device but this one and the loopback is strict. */
export function strictElsewhere(device: string, root = settings): boolean {
  const others = listed(root).filter((name) => ![device, 'all', 'default', 'lo'].includes(name));
  return others.some((name) => isStrict(name, root));
}

const settings = '/proc/sys/net/ipv4/conf';
const strict = 1;

/** The higher of both counts (ip-sysctl, rp_filter). */
const isStrict = (device: string, root: string): boolean =>
  Math.max(settingOf(root, 'all'), settingOf(root, device)) === strict;

function settingOf(root: string, device: string): number {
  try {
    return Number(readFileSync(`${root}/${device}/rp_filter`, 'utf8'));
  } catch {
    return 0;
  }
}

function listed(root: string): string[] {
  try {
    return readdirSync(root);
  } catch {
    return [];
  }
}
