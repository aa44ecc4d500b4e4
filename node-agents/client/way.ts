/**
 * One flow's way to one of several Connectors: the first whose tunnel is ready, then OPEN and the answer.
 * Connectors are raced in the manner of RFC 8305, the best one with a head start; one that falls silent is
 * left. Used by `tunnels.ts`.
 */
import type { ClientTunnel } from '#node-agents/link/tunnel/client.ts';
import type { Flow } from '#node-agents/link/tunnel/flow.ts';
import { type Refusal, SallyportError, type Verdict } from '#schema/errors.ts';
import { pickLeast } from '#schema/path/spread.ts';
import type { ConnectorLink } from './connector-link.ts';
import type { FlowRequest } from './opening.ts';

/** After this long without a tunnel the next Connector is asked too. */
const impatienceMs = 600;
/** A flow that is not open by then makes Connectors prove that they are alive (`schema/path/liveness.ts`). */
const patienceMs = 200;

export interface Way {
  link: ConnectorLink;
  tunnel: ClientTunnel;
}

type Ready = ({ ok: true } & Way) | Refusal;

/**
 * An open tunnel that answers at once, the best of several (`schema/path/spread.ts`); else the links are asked in
 * order, the next one as soon as one fails or is slow, and the first that is ready wins. The others stay: they are wanted anyway.
 */
export function firstReady(links: ReadonlySet<ConnectorLink>, signal: AbortSignal): Promise<Ready> {
  const open = pickLeast([...links].filter(({ tunnel, doubted }) => tunnel && !doubted));
  if (open) return Promise.resolve({ ok: true, link: open, tunnel: open.tunnel! });
  if (signal.aborted) return Promise.resolve({ ok: false, code: 'cancelled' });
  return new Promise((settle) => {
    const waiting = [...links];
    let failed = 0;
    let timer: NodeJS.Timeout | undefined;
    const end = (ready: Ready) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      settle(ready);
    };
    const onAbort = () => end({ ok: false, code: 'cancelled' });
    const next = () => {
      clearTimeout(timer);
      const link = waiting.shift();
      if (!link) return;
      if (waiting.length > 0) timer = setTimeout(next, impatienceMs);
      link.ready().then(
        (tunnel) => end({ ok: true, link, tunnel }),
        (error) => (++failed === links.size ? end(refusalOf(error)) : next()),
      );
    };
    signal.addEventListener('abort', onAbort, { once: true });
    next();
  });
}

/**
 * @param o.probe makes every Connector that might take the flow prove that it is alive.
 * @param o.elsewhere settles once a tunnel is ready that answers, this one or another, or none can be had.
 */
export async function openThrough(
  tunnel: ClientTunnel,
  { destination, clientAddress, signal, early }: FlowRequest,
  connectionId: string,
  o: { probe(): void; elsewhere(): Promise<unknown> },
): Promise<Verdict<{ stream: Flow }>> {
  const stream = tunnel.openFlow({ connectionId, destination, clientAddress });
  const datagram = early?.();
  if (datagram) stream.sendDatagram(datagram);
  const onAbort = () => stream.reset('cancelled');
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  // A destination may take its time; a Connector that does not even answer a PING meanwhile is gone, whatever
  // the network says.
  const timer = setTimeout(o.probe, patienceMs);
  // One that is only slow may still answer, and while there is no other, waiting for it costs nothing.
  const onDoubt = () => {
    const leave = () => tunnel.doubted && stream.reset('peer_gone');
    o.elsewhere().then(leave, leave);
  };
  tunnel.on('doubt', onDoubt);
  try {
    await stream.opened;
    return { ok: true, stream };
  } catch (error) {
    return refusalOf(error);
  } finally {
    clearTimeout(timer);
    tunnel.off('doubt', onDoubt);
    signal.removeEventListener('abort', onAbort);
  }
}

function refusalOf(error: unknown): Refusal {
  if (error instanceof SallyportError) return { ok: false, code: error.code, detail: error.message };
  return { ok: false, code: 'internal_error' };
}
