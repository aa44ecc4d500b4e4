/**
 * `--tun on|auto`: what the running Client gives to transparent mode, and what happens where the host cannot
 * have it. Between `client.ts` and `transparent.ts`.
 */
import type { DnsWay } from '#node-agents/os/dns-way.ts';
import { forwarding, transparentSupport } from '#node-agents/os/support.ts';
import { deviceName } from '#node-agents/os/tun-device.ts';
import type { ListenAddress } from '#node-agents/process/config.ts';
import type { Host } from '#node-agents/process/host.ts';
import { SallyportError } from '#schema/errors.ts';
import { canonicalHost } from '#schema/name/host.ts';
import type { Prefix } from '#schema/name/ip.ts';
import { createOpen, createOpenBy, type OpenOptions } from '../flow.ts';
import type { Sessions } from '../sessions.ts';
import { Associations } from '../udp/associations.ts';
import { watchForwarding } from './forwarding.ts';
import { Transparent } from './transparent.ts';

export interface StartOptions {
  /** `auto`: goes on without it, and says why. */
  mode: 'on' | 'auto';
  sessions: Sessions;
  host: Host;
  opening: OpenOptions;
  /** Milliseconds after which an association is idle. */
  idleMs: number;
  gateway: readonly Prefix[];
  dnsListen: readonly ListenAddress[];
  dns: DnsWay | 'auto';
  stateDir: string;
}

/** @throws SallyportError tun_unavailable, with what is missing, unless the mode is `auto`. */
export async function startTransparent(o: StartOptions): Promise<Transparent | undefined> {
  const { log } = o.host;
  try {
    const support = await transparentSupport();
    if (!support.ok) throw new SallyportError(support.code, support.detail);
    return await start(o, support.ipv6);
  } catch (error) {
    if (o.mode === 'on' || !(error instanceof SallyportError) || error.code !== 'tun_unavailable')
      throw error;
    log.warn('tun_unavailable', { reason: error.message, instead: 'proxies and forwards alone' });
    return undefined;
  }
}

function start(o: StartOptions, ipv6: boolean): Promise<Transparent> {
  const { sessions, host, opening, idleMs, gateway, dnsListen, dns } = o;
  const { ipv4: forwards4, ipv6: forwards6 } = forwarding();
  for (const [family, forwards, setting] of [
    [4, forwards4, 'net.ipv4.ip_forward'],
    [6, forwards6, 'net.ipv6.conf.all.forwarding'],
  ] as const) {
    if (forwards || !gateway.some(({ ip }) => ip.family === family)) continue;
    const reason = `this host forwards no IPv${family} packets; set ${setting}=1`;
    host.log.warn('gateway_not_forwarding', { reason });
  }
  if (gateway.length > 0)
    watchForwarding({ device: deviceName, gateway, log: host.log, signal: host.shutdown });
  // What comes off the device must not go straight out: it would come off the device again.
  const closed = { ...opening, direct: false };
  const nowhere = () => Promise.resolve({ ok: false, code: 'not_a_resource' } as const);
  const associations = new Associations({
    open: createOpenBy(closed, nowhere),
    onCut: closed.refused,
    now: host.monotonic,
    limits: { idleMs },
  });
  const { log, now, random, monotonic } = host;
  return Transparent.start({
    tenant: sessions.key.tenantUrl,
    stateDir: o.stateDir,
    access: () => sessions.current,
    open: createOpen(closed),
    associations,
    refused: closed.refused,
    exempt: () => ownNames(sessions),
    nowMs: closed.nowMs,
    ...{ ipv6, gateway, dnsListen, dns, log, now, random, monotonic },
  });
}

/** Of the Controller and the relays. */
function ownNames({ own }: Sessions): ReadonlySet<string> {
  return new Set(
    own.flatMap((url) => (URL.canParse(url) ? (canonicalHost(new URL(url).hostname) ?? []) : [])),
  );
}
