/**
 * The way into each Remote Network: its Connectors in rendezvous order, one tunnel each, shared by all flows.
 * The first is opened ahead of need, the second stands by; a flow whose Connector fails goes on to the next.
 * Between `flow.ts`, which wants a destination reached, and `connector-link.ts`.
 */
import type { ClientTunnel } from '#node-agents/link/tunnel/client.ts';
import type { Flow } from '#node-agents/link/tunnel/flow.ts';
import { type ErrorCode, type Refusal, SallyportError, type Verdict } from '#schema/errors.ts';
import type { Acls } from './acl.ts';
import { ConnectorLink, type LinkContext } from './connector-link.ts';
import type { FlowRequest } from './opening.ts';
import { rendezvousOrder } from './rendezvous.ts';

/** Connectors of each network whose tunnels are open ahead of need. */
const standing = 2;
/** After this long without a tunnel the next Connector is asked too. */
const impatienceMs = 600;
/** A flow that is not open by then makes its Connector prove that it is alive, in `silenceMs`. */
const patienceMs = 300;
const silenceMs = 500;

/** Refusals that concern this Connector alone and come before anything reached the destination. */
const tryNext: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'acl_stale',
  'not_in_connector_acl',
  'name_failed',
  'limit_reached',
  'draining',
  'peer_gone',
  'handshake_timeout',
  'protocol_error',
  'flow_control_violated',
  'frame_too_large',
  'version_unsupported',
  'internal_error',
]);

export class Tunnels {
  readonly #instance: string;
  readonly #context: LinkContext;
  /** Network → links in rendezvous order. */
  readonly #networks = new Map<string, ConnectorLink[]>();
  #acls: Acls | undefined;

  constructor(instance: string, context: LinkContext) {
    this.#instance = instance;
    this.#context = context;
  }

  /** New ACLs: told to live tunnels, Connectors that came are added, those that left retire. */
  update(acls: Acls): void {
    const before = this.#acls;
    this.#acls = acls;
    for (const network of this.#networks.keys()) {
      if (!acls.networks.has(network)) this.#set(network, []);
    }
    for (const [network, { connectors, signed }] of acls.networks) {
      const held = new Map((this.#networks.get(network) ?? []).map((link) => [link.hash, link]));
      const links = rendezvousOrder(this.#instance, connectors).map(({ hash, relays }) => {
        const link = held.get(hash) ?? new ConnectorLink(hash, () => this.#signed(network), this.#context);
        link.relayIds = relays;
        return link;
      });
      if (before?.networks.get(network)?.signed !== signed)
        for (const link of held.values()) link.renewAcl(signed);
      this.#set(network, links);
    }
  }

  /** Resolves once the Resource has accepted, or with the reason why not. */
  async open(
    network: string,
    request: FlowRequest,
    connectionId: string,
  ): Promise<Verdict<{ stream: Flow }>> {
    const untried = new Set(this.#networks.get(network));
    let refusal: Refusal = { ok: false, code: 'no_connector', detail: 'its Remote Network has no Connector' };
    while (untried.size > 0) {
      const ready = await firstReady(untried, request.signal);
      if (!ready.ok) return ready.code === 'cancelled' ? ready : asNoConnector(ready);
      untried.delete(ready.link);
      const opened = await openThrough(ready, request, connectionId, () => untried.size > 0);
      if (opened.ok || !tryNext.has(opened.code)) return opened;
      refusal = opened;
    }
    return refusal;
  }

  links(network: string): readonly ConnectorLink[] {
    return this.#networks.get(network) ?? [];
  }

  get flows(): number {
    return [...this.#networks.values()].flat().reduce((sum, link) => sum + link.flows, 0);
  }

  /** No new flows; those that live may finish. */
  retire(): void {
    for (const link of [...this.#networks.values()].flat()) link.retire();
  }

  close(): void {
    for (const link of [...this.#networks.values()].flat()) link.close();
    this.#networks.clear();
  }

  #set(network: string, links: ConnectorLink[]): void {
    for (const link of this.#networks.get(network) ?? []) if (!links.includes(link)) link.retire();
    links.forEach((link, i) => {
      link.keep(i < standing);
    });
    if (links.length > 0) this.#networks.set(network, links);
    else this.#networks.delete(network);
  }

  #signed(network: string): string {
    return this.#acls?.networks.get(network)?.signed ?? '';
  }
}

interface Way {
  link: ConnectorLink;
  tunnel: ClientTunnel;
}

type Ready = ({ ok: true } & Way) | Refusal;

/**
 * An open tunnel at once; else the links are asked in order, the next one as soon as one fails or is slow,
 * and the first that is ready wins. The others stay: they are wanted anyway.
 */
function firstReady(links: ReadonlySet<ConnectorLink>, signal: AbortSignal): Promise<Ready> {
  const open =
    [...links].find(({ tunnel, doubted }) => tunnel && !doubted) ?? [...links].find(({ tunnel }) => tunnel);
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

/** @param elsewhere whether there is another Connector to turn to. */
async function openThrough(
  { link, tunnel }: Way,
  { destination, clientAddress, signal }: FlowRequest,
  connectionId: string,
  elsewhere: () => boolean,
): Promise<Verdict<{ stream: Flow }>> {
  const stream = tunnel.openFlow({ connectionId, destination, clientAddress });
  const onAbort = () => stream.reset('cancelled');
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  const stopWatching = watchSilence(tunnel, () => {
    if (!elsewhere()) return;
    link.doubt();
    stream.reset('peer_gone');
  });
  try {
    await stream.opened;
    return { ok: true, stream };
  } catch (error) {
    return refusalOf(error);
  } finally {
    stopWatching();
    signal.removeEventListener('abort', onAbort);
  }
}

/**
 * A destination may take its time; a Connector that does not even answer a PING meanwhile is gone, whatever
 * the network says. @returns stops.
 */
function watchSilence(tunnel: ClientTunnel, onSilent: () => void): () => void {
  let timer = setTimeout(() => {
    const { heardAt } = tunnel;
    tunnel.ping();
    timer = setTimeout(() => {
      if (tunnel.heardAt === heardAt) onSilent();
    }, silenceMs);
  }, patienceMs);
  return () => clearTimeout(timer);
}

function refusalOf(error: unknown): Refusal {
  if (error instanceof SallyportError) return { ok: false, code: error.code, detail: error.message };
  return { ok: false, code: 'internal_error' };
}

/** What a program has to know is that nobody is there; which link failed how is told with it. */
const asNoConnector = ({ code, detail }: Refusal): Refusal => ({
  ok: false,
  code: 'no_connector',
  detail: `no Connector of the Remote Network can be reached (${code}${detail ? `: ${detail}` : ''})`,
});
