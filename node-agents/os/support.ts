/**
 * What this host can do, asked before anything is changed: whether transparent mode is possible (`--tun auto`
 * falls back with the reason), and whether it forwards packets (`--gateway`).
 */
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { refuse, SallyportError, type Verdict } from '#schema/errors.ts';
import { native } from './ffi.ts';
import { ipJson } from './ip.ts';

export interface Support {
  /** Whether the kernel has IPv6 and new interfaces get it. */
  ipv6: boolean;
  /** Whether SYNs may go over the loopback interface (CAP_NET_RAW). */
  mayInject: boolean;
}

/** Refuses `tun_unavailable`; `detail` names what is missing and how to give it. Changes nothing. */
export async function transparentSupport(): Promise<Verdict<Support, 'tun_unavailable'>> {
  try {
    native();
    accessSync(node, constants.R_OK | constants.W_OK);
    if (!hasCapability(CAP_NET_ADMIN)) return refuse('tun_unavailable', withoutAdmin);
    await ipJson(4, 'rule show');
  } catch (error) {
    if (!(error instanceof SallyportError))
      return refuse(
        'tun_unavailable',
        `${node} is missing or may not be opened (in a container: --device ${node})`,
      );
    return refuse('tun_unavailable', error.message);
  }
  return {
    ok: true,
    ipv6: read('/proc/sys/net/ipv6/conf/default/disable_ipv6') === '0',
    mayInject: hasCapability(CAP_NET_RAW),
  };
}

/** Whether rules and routes may be set (CAP_NET_ADMIN). */
export const mayConfigure = (): boolean => hasCapability(CAP_NET_ADMIN);

/** `net.ipv4.ip_forward` and `net.ipv6.conf.all.forwarding`. */
export const forwarding = (): { ipv4: boolean; ipv6: boolean } => ({
  ipv4: read('/proc/sys/net/ipv4/ip_forward') === '1',
  ipv6: read('/proc/sys/net/ipv6/conf/all/forwarding') === '1',
});

/** Where it has none, even the question for IPv6 rules fails. */
export const kernelHasIpv6 = (): boolean => existsSync('/proc/sys/net/ipv6');

const node = '/dev/net/tun';
const CAP_NET_ADMIN = 12n;
const CAP_NET_RAW = 13n;
const withoutAdmin = 'CAP_NET_ADMIN is missing (in a container: --cap-add NET_ADMIN)';

function hasCapability(capability: bigint): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)/m.exec(read('/proc/self/status') ?? '')?.[1] ?? '0';
  return ((BigInt(`0x${effective}`) >> capability) & 1n) === 1n;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}
