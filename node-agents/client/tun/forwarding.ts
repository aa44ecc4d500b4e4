/**
 * Tells a gateway's operator when the host's firewall drops what devices send to Resources: nothing of that ever
 * comes to the Client, and devices see their connections time out. Looks again, since firewalls come and go.
 */
import { type Dropping, forwardingDropped } from '#node-agents/os/forward-rules.ts';
import type { Log } from '#node-agents/process/log.ts';
import type { Prefix } from '#schema/name/ip.ts';

export interface ForwardingOptions {
  device: string;
  /** Whose packets are to pass. */
  gateway: readonly Prefix[];
  log: Log;
  /** Ends it. */
  signal: AbortSignal;
  everyMs?: number;
}

export function watchForwarding({ device, gateway, log, signal, everyMs = 60_000 }: ForwardingOptions): void {
  const families = [...new Set(gateway.map(({ ip }) => ip.family))];
  let told = '';
  const look = async (): Promise<void> => {
    const found = await forwardingDropped(device, families).catch((error): Dropping[] => {
      log.debug('forwarding_unknown', { error });
      return [];
    });
    const now = found.map(({ chain }) => chain).join(', ');
    if (now === told || signal.aborted) return;
    told = now;
    for (const { chain, remedy } of found) log.warn('gateway_forward_dropped', { chain, remedy });
    if (found.length === 0) log.info('gateway_forward_passes');
  };
  const timer = setInterval(() => void look(), everyMs).unref();
  signal.addEventListener('abort', () => clearInterval(timer), { once: true });
  void look();
}
