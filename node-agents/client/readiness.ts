/** Whether programs can be sent this way now: what `/readyz` of the HTTP proxy tells (`http/health.ts`). */
import { type Refusal, refuse } from '#schema/errors.ts';
import { parseAuthority } from './destination.ts';
import type { Sessions } from './sessions.ts';

/** A tunnel that is not open yet gets this long. */
const patienceMs = 2_000;

/** Live tunnels are enough: a Controller that restarts is no reason to take this Client out of service. */
export function whyNotReady({ current, waitingFor }: Sessions): Refusal | undefined {
  if (current === undefined) return waitingFor;
  if (current.channelState === 'open') return undefined;
  const open = [...current.acls.networks.keys()].some((network) =>
    current.tunnels.links(network).some(({ tunnel }) => tunnel),
  );
  return open
    ? undefined
    : refuse('controller_unreachable', 'the control channel is down and no tunnel is open');
}

/** @param name a Resource as granted (also a wildcard or CIDR), or a destination `host` or `host:port` in one. */
export async function whyNotReachable({ current }: Sessions, name: string): Promise<Refusal | undefined> {
  if (current === undefined) return refuse('controller_unreachable');
  const network = networkOf(current, name);
  if (typeof network !== 'string') return network;
  const links = current.tunnels.links(network);
  if (links.some(({ tunnel }) => tunnel)) return undefined;
  const late = new Promise<false>((resolve) => setTimeout(resolve, patienceMs, false).unref());
  const ready = await Promise.race([late, Promise.any(links.map((link) => link.ready())).catch(() => false)]);
  return ready ? undefined : refuse('no_connector', links[0]?.failure?.error.message);
}

function networkOf({ acls, clock }: NonNullable<Sessions['current']>, name: string): string | Refusal {
  const literal = acls.resources.find(({ resource }) => resource.address === name || resource.alias === name);
  if (literal) return literal.network;
  const whole = parseAuthority(name);
  // Without a port any will do: a refused port still tells which Resource it is.
  const target = whole.ok ? whole : parseAuthority(name, 1);
  if (!target.ok) return target;
  const found = acls.find(target.destination, clock.now());
  if (found.ok || (found.code === 'port_denied' && !whole.ok)) return found.network!;
  return refuse(found.code);
}
