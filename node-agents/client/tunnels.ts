/**
 * The way into each Remote Network: its Connectors in rendezvous order, one tunnel each, shared by all flows.
 * Two are opened ahead of need; the first has all flows while they are few, both share them when they are many
 * (`schema/path/spread.ts`), and a flow whose Connector fails goes on to the next.
 * Between `flow.ts`, which wants a destination reached, and `connector-link.ts`.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Flow } from '#node-agents/link/tunnel/flow.ts';
import type { ErrorCode, Refusal, Verdict } from '#schema/errors.ts';
import type { Acls } from './acl.ts';
import { ConnectorLink, type LinkContext, type LinkNetwork } from './connector-link.ts';
import type { FlowRequest, IsCurrent } from './opening.ts';
import { RelayTrust } from './relay-trust.ts';
import { relayOrder, rendezvousOrder } from './rendezvous.ts';
import { firstReady, openThrough } from './way.ts';

/** Connectors of each network whose tunnels are open ahead of need. */
const standing = 2;
/** Tunnels of one Connector that a flow is tried in: one may fall silent or end just then. */
const triesEach = 2;
/** A network whose last tunnel was lost less than `latelyMs` ago is given `gapMs` to be there again. */
const latelyMs = 15_000;
const gapMs = 2_000;
/** One whose Connector has said that it ends is given so long from then on: its flows finish, it starts again. */
const restartMs = 20_000;
/** Between two attempts, at first and at most. */
const retryMs = { first: 200, most: 1_000 };

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

/** Refusals that another moment may change, whoever is asked. */
const mayReturn: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'no_connector',
  'draining',
  'peer_gone',
  'handshake_timeout',
]);

export class Tunnels {
  readonly #instance: string;
  readonly #context: LinkContext;
  /** Network → links in rendezvous order. */
  readonly #networks = new Map<string, ConnectorLink[]>();
  /** Those that left the list while they still carried flows. */
  readonly #leaving = new Set<ConnectorLink>();
  #acls: Acls | undefined;
  /** How often a tunnel fell silent. */
  doubts = 0;

  constructor(instance: string, context: LinkContext) {
    this.#instance = instance;
    const trust = new RelayTrust(
      () => this.#all().flatMap((link) => link.paths),
      () => this.#now(),
    );
    this.#context = {
      ...context,
      relays: (ids) => trust.order(relayOrder(instance, context.relays(ids))),
      doubted: (relay) => {
        this.doubts++;
        trust.doubt(relay);
      },
    };
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
      const links = rendezvousOrder(this.#instance, connectors).map(({ hash, relays, weight }) => {
        const link = held.get(hash) ?? new ConnectorLink(hash, this.#viewOf(network), this.#context);
        link.relayIds = relays;
        link.weight = weight;
        return link;
      });
      if (before?.networks.get(network)?.signed !== signed)
        for (const link of held.values()) link.renewAcl(signed);
      this.#set(network, links);
    }
  }

  /**
   * Resolves once the Resource has accepted, or with the reason why not. While a network that was served a
   * moment ago has no Connector, it waits a little for one to come back or take over.
   */
  async open(
    network: string,
    request: FlowRequest,
    connectionId: string,
  ): Promise<Verdict<{ stream: Flow; isCurrent: IsCurrent }>> {
    const startedMs = this.#now();
    for (let waitMs = retryMs.first; ; waitMs = Math.min(1.5 * waitMs, retryMs.most)) {
      const opened = await this.#openOnce(network, request, connectionId);
      if (opened.ok || !mayReturn.has(opened.code)) return opened;
      if (request.signal.aborted || this.#now() > this.#hopefulUntil(network, startedMs)) return opened;
      await sleep(waitMs);
    }
  }

  /** Resolves once the first of those that are being opened is there, or none is left. */
  async underWay(): Promise<void> {
    const links = this.#all().filter(({ state }) => state === 'connecting');
    await Promise.any(links.map((link) => link.ready())).catch(() => {});
  }

  links(network: string): readonly ConnectorLink[] {
    return this.#networks.get(network) ?? [];
  }

  get flows(): number {
    return this.#all().reduce((sum, link) => sum + link.flows, 0);
  }

  /** These Connectors were revoked: what goes through them ends now, and nothing goes there any more. */
  cut(hashes: readonly string[]): void {
    const revoked = new Set(hashes);
    for (const link of this.#all()) {
      if (!revoked.has(link.hash)) continue;
      this.#context.host.log.warn('connector_revoked', { connector: link.hash, flows: link.flows });
      // To the flows it is one that is gone: those not yet open turn to another.
      link.close('peer_gone');
    }
    for (const [network, links] of this.#networks) {
      const left = links.filter(({ hash }) => !revoked.has(hash));
      if (left.length < links.length) this.#set(network, left);
    }
  }

  /** No new flows; those that live may finish. */
  retire(): void {
    for (const link of this.#all()) link.retire();
  }

  close(): void {
    for (const link of this.#all()) link.close();
    this.#networks.clear();
  }

  async #openOnce(
    network: string,
    request: FlowRequest,
    connectionId: string,
  ): Promise<Verdict<{ stream: Flow; isCurrent: IsCurrent }>> {
    const tries = new Map(this.links(network).map((link) => [link, triesEach]));
    const probe = () => {
      for (const { paths } of tries.keys()) for (const { tunnel } of paths) tunnel.probe();
    };
    const elsewhere = () => Promise.any([...tries.keys()].map((link) => link.ready()));
    let refusal: Refusal = { ok: false, code: 'no_connector', detail: 'its Remote Network has no Connector' };
    // Where nothing is open yet, perhaps because no relay can be reached, a direct path may come first.
    for (const link of tries.keys()) if (!link.tunnel) link.used();
    while (tries.size > 0) {
      const ready = await firstReady(new Set(tries.keys()), request.signal);
      if (!ready.ok) return ready.code === 'cancelled' ? ready : asNoConnector(ready);
      const { link, tunnel } = ready;
      link.used();
      const opened = await openThrough(tunnel, request, connectionId, { probe, elsewhere });
      if (opened.ok) return { ...opened, isCurrent: () => (link.tunnel ?? tunnel) === tunnel };
      if (!tryNext.has(opened.code)) return opened;
      refusal = opened;
      const left = opened.code === 'peer_gone' ? tries.get(link)! - 1 : 0;
      if (left === 0) tries.delete(link);
      else tries.set(link, left);
    }
    return refusal;
  }

  /** Until when a flow that came at `startedMs` waits for a Connector to come back or take over. */
  #hopefulUntil(network: string, startedMs: number): number {
    const links = this.links(network);
    const lately = links.some(({ openedLastMs }) => this.#now() - openedLastMs < latelyMs);
    const restarting = links.map(({ drainedAtMs }) => drainedAtMs + restartMs);
    return Math.max(lately ? startedMs + gapMs : startedMs, ...restarting);
  }

  #now(): number {
    return this.#context.host.monotonic();
  }

  #set(network: string, links: ConnectorLink[]): void {
    for (const link of this.#leaving) if (link.flows === 0) this.#leaving.delete(link);
    for (const link of this.links(network)) {
      if (links.includes(link)) continue;
      link.retire();
      this.#leaving.add(link);
    }
    links.forEach((link, i) => {
      link.keep(i < standing);
    });
    if (links.length > 0) this.#networks.set(network, links);
    else this.#networks.delete(network);
  }

  #all(): ConnectorLink[] {
    return [...[...this.#networks.values()].flat(), ...this.#leaving];
  }

  #viewOf(network: string): LinkNetwork {
    return {
      acl: () => this.#acls?.networks.get(network)?.signed ?? '',
      hasOther: (than) =>
        this.links(network).some((link) => link !== than && link.tunnel !== undefined && !link.doubted),
    };
  }
}

/** What a program has to know is that nobody is there; which link failed how is told with it. */
const asNoConnector = ({ code, detail }: Refusal): Refusal => ({
  ok: false,
  code: 'no_connector',
  detail: `no Connector of the Remote Network can be reached (${code}${detail ? `: ${detail}` : ''})`,
});
