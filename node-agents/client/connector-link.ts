/**
 * This Client's paths to one Connector: one through a relay, opened when wanted, kept open where it should be
 * ready ahead of need, and opened again with jitter when lost; and a direct one beside it (`direct-path.ts`),
 * where networks let it. The better of them takes new flows. One that no longer answers is replaced by another
 * at once, and takes flows again only if it is heard before that is there. `path.ts` makes them; which
 * Connector is asked, and in which order, is `tunnels.ts`.
 */
import type { ClientTunnel } from '#node-agents/link/tunnel/client.ts';
import { type Backoff, backoff } from '#node-agents/process/backoff.ts';
import type { RelayEntry } from '#schema/control/messages.ts';
import { type ErrorCode, SallyportError } from '#schema/errors.ts';
import { choosePath, type Path as PathKind } from '#schema/path/choose.ts';
import { type DirectContext, DirectPath } from './direct-path.ts';
import { makePath, type Path, type PathContext } from './path.ts';
import { RelayReturn } from './relay-return.ts';

/** What every link of a session shares. */
export interface LinkContext extends PathContext {
  /** Those of these that there are, in order of preference. */
  relays(ids: readonly string[]): RelayEntry[];
  /** A tunnel through this relay has fallen silent. */
  doubted?(relay: string): void;
  /** Absent: no direct paths. */
  direct?: DirectContext | undefined;
}

/** The Remote Network that a link leads to. */
export interface LinkNetwork {
  /** The signed Client ACL, as it is now. */
  acl(): string;
  /** Whether flows can get there without this link. */
  hasOther(than: ConnectorLink): boolean;
}

export type LinkState = 'idle' | 'connecting' | 'open' | 'doubted' | 'waiting' | 'retired';

/** A flow that comes this soon after a failed attempt is told of that one; it does not start another. */
const freshFailureMs = 150;
const firstRetryMs = 300;
const lastRetryMs = 30_000;
/** Between attempts to get back to a better relay. */
const returnMs = { first: 2_000, last: 300_000 };
/** Flows of a path that answers nothing for so long end, if programs have another to connect anew by. */
const goneMs = 5_000;
const lookMs = 500;

export class ConnectorLink {
  readonly hash: string;
  readonly #context: LinkContext;
  readonly #network: LinkNetwork;
  readonly #backoff: Backoff;
  #relayIds: readonly string[] = [];
  /** How much of the load it takes beside others. */
  weight: number | undefined;
  failure: { error: SallyportError; atMs: number } | undefined;
  /** How often a path was doubted. */
  doubts = 0;
  /** When the Connector said that it was about to end; until a tunnel to it is open again. */
  drainedAtMs = Number.NEGATIVE_INFINITY;
  #openedLastMs = Number.NEGATIVE_INFINITY;
  #kept = false;
  #retired = false;
  /** Through a relay. */
  #path: Path | undefined;
  readonly #return: RelayReturn;
  readonly direct: DirectPath | undefined;
  /** Of the two, which one is preferred; a new direct path is, until it proves to be the longer way. */
  #kind: PathKind = 'direct';
  /** Those that take no new flows but still carry some. */
  readonly #leaving = new Set<Path>();
  #attempt: Promise<ClientTunnel> | undefined;
  readonly #ended = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  constructor(hash: string, network: LinkNetwork, context: LinkContext) {
    this.hash = hash;
    this.#network = network;
    this.#context = context;
    const { random } = context.host;
    this.#backoff = backoff({ firstMs: firstRetryMs, maxMs: lastRetryMs, random });
    this.#return = new RelayReturn({
      relays: () => context.relays(this.#relayIds),
      present: () => this.#path?.relay,
      make: (relays) => this.#make(relays),
      take: (path) => void this.#adopt(path, true),
      backoff: backoff({ firstMs: returnMs.first, maxMs: returnMs.last, random }),
    });
    const { direct } = context;
    if (!direct) return;
    this.direct = new DirectPath({
      ...{ context, direct, hash },
      acl: () => network.acl(),
      relays: () => context.relays(this.#relayIds),
      onUp: (path) => this.#takeDirect(path),
    });
  }

  /** The ids of relays where the Connector waits. */
  set relayIds(ids: readonly string[]) {
    const same = ids.join() === this.#relayIds.join();
    this.#relayIds = ids;
    if (!same) this.#return.look(true);
  }

  get state(): LinkState {
    if (this.#retired) return 'retired';
    if (this.tunnel) return this.doubted ? 'doubted' : 'open';
    if (this.#attempt) return 'connecting';
    return this.#timer ? 'waiting' : 'idle';
  }

  /** The tunnel that takes new flows, if there is one now. */
  get tunnel(): ClientTunnel | undefined {
    return this.#chosen?.tunnel;
  }

  get relay(): RelayEntry | undefined {
    return this.#chosen?.relay;
  }

  /** By which way new flows go. */
  get kind(): PathKind | undefined {
    const chosen = this.#chosen;
    return chosen && (chosen.relay ? 'relay' : 'direct');
  }

  /** It owes an answer. */
  get doubted(): boolean {
    return this.tunnel?.doubted ?? false;
  }

  /** When a tunnel last was open, monotonic. */
  get openedLastMs(): number {
    return this.tunnel ? this.#now() : this.#openedLastMs;
  }

  get flows(): number {
    return this.paths.reduce((sum, { tunnel }) => sum + tunnel.flows, 0);
  }

  get flowsDirect(): number {
    return this.paths.reduce((sum, { tunnel, relay }) => sum + (relay ? 0 : tunnel.flows), 0);
  }

  get paths(): Path[] {
    return [this.#path, this.direct?.path, ...this.#leaving].filter((path) => path !== undefined);
  }

  /** A flow goes through here. */
  used(): void {
    this.direct?.wanted();
  }

  /** Whether it should be ready ahead of need. */
  keep(kept: boolean): void {
    this.#kept = kept;
    if (kept && this.state === 'idle') void this.ready().catch(() => {});
  }

  /**
   * A tunnel that is not in doubt. Callers at the same time share one attempt.
   * @throws SallyportError why there is none.
   */
  ready(): Promise<ClientTunnel> {
    const { tunnel } = this;
    if (tunnel && !tunnel.doubted) return Promise.resolve(tunnel);
    const relayed = this.#relayed();
    return tunnel ? heardOr(tunnel, relayed) : relayed;
  }

  renewAcl(signed: string): void {
    for (const { tunnel } of this.paths) tunnel.renewAcl(signed);
  }

  /** Takes no new flow; those that live may finish. */
  retire(): void {
    this.#retired = true;
    clearTimeout(this.#timer);
    this.#return.stop();
    const direct = this.direct?.stop();
    for (const path of [this.#path, direct]) if (path) this.#leave(path);
  }

  close(code?: ErrorCode): void {
    this.retire();
    this.#ended.abort();
    for (const { tunnel } of this.paths) tunnel.close(code);
  }

  get #chosen(): Path | undefined {
    const relayed = this.#path;
    const direct = this.direct?.path;
    const sound = [direct, relayed].filter((path) => path && !path.tunnel.doubted);
    if (sound.length < 2) return sound[0] ?? relayed ?? direct;
    this.#kind = choosePath(direct!.tunnel.rttMs, relayed!.tunnel.rttMs, this.#kind);
    return this.#kind === 'direct' ? direct : relayed;
  }

  /** The one attempt to have a tunnel through a relay. */
  #relayed(): Promise<ClientTunnel> {
    if (this.#attempt) return this.#attempt;
    const { failure } = this;
    if (this.#retired) return Promise.reject(new SallyportError('connector_offline'));
    if (failure && this.#now() - failure.atMs < freshFailureMs) return Promise.reject(failure.error);
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#attempt = this.#open().finally(() => {
      this.#attempt = undefined;
    });
    return this.#attempt;
  }

  async #open(): Promise<ClientTunnel> {
    const { host, relays } = this.#context;
    const log = host.log.child({ connector: this.hash });
    try {
      return this.#adopt(await this.#make(relays(this.#relayIds)));
    } catch (cause) {
      const error =
        cause instanceof SallyportError ? cause : new SallyportError('internal_error', undefined, { cause });
      this.failure = { error, atMs: this.#now() };
      log.warn('tunnel_failed', {
        code: error.code,
        reason: error.message,
        ...(cause !== error && { error: cause }),
      });
      this.#again();
      throw error;
    }
  }

  #make(relays: readonly RelayEntry[]): Promise<Path> {
    const { hash } = this;
    return makePath(this.#context, {
      hash,
      relays,
      acl: () => this.#network.acl(),
      signal: this.#ended.signal,
    });
  }

  /** @param better than a sound one that is there. @returns the tunnel that takes the flows now. */
  #adopt(path: Path, better = false): ClientTunnel {
    const { tunnel } = path;
    const before = this.#path;
    this.failure = undefined;
    this.#backoff.reset();
    if (before && !before.tunnel.doubted && !better) {
      // It was only slow.
      tunnel.close();
      return before.tunnel;
    }
    this.drainedAtMs = Number.NEGATIVE_INFINITY;
    if (before) this.#leave(before);
    this.#path = path;
    this.#watch(path).info('tunnel_open');
    if (this.#retired) this.#leave(path);
    this.direct?.hurry();
    this.#return.look();
    return tunnel;
  }

  #takeDirect(path: Path): void {
    this.#kind = 'direct';
    this.#watch(path);
    if (this.#retired) this.#leave(path);
  }

  #watch(path: Path) {
    const { tunnel, relay } = path;
    const log = this.#context.host.log.child({ connector: this.hash, relay: relay?.id ?? null });
    tunnel.on('doubt', () => this.#doubt(path));
    tunnel.on('trust', () => log.info('tunnel_trusted'));
    tunnel.once('close', (code) => this.#lost(path, code));
    tunnel.once('goaway', (code) => {
      log.info('tunnel_goaway', { code });
      if (code === 'draining') this.drainedAtMs = this.#now();
      this.#leave(path);
      this.#again();
    });
    return log;
  }

  #doubt({ tunnel, relay }: Path): void {
    this.doubts++;
    this.#context.host.log.warn('tunnel_doubted', {
      connector: this.hash,
      relay: relay?.id ?? null,
      flows: tunnel.flows,
    });
    if (relay) this.#context.doubted?.(relay.id);
    if (this.#path?.tunnel === tunnel && this.#kept && !this.#retired) void this.#relayed().catch(() => {});
    const giveUp = setInterval(() => {
      const over = tunnel.atWork && tunnel.unansweredMs >= goneMs;
      if (over && (this.#hasOther(tunnel) || this.#network.hasOther(this))) tunnel.close('peer_gone');
    }, lookMs).unref();
    const stop = () => clearInterval(giveUp);
    tunnel.once('trust', stop).once('close', stop);
  }

  #hasOther(than: ClientTunnel): boolean {
    return this.tunnel !== undefined && this.tunnel !== than && !this.doubted;
  }

  #lost(path: Path, code: string): void {
    this.#leaving.delete(path);
    if (this.direct?.path === path) {
      this.#context.host.log.info('direct_path_lost', { connector: this.hash, code });
      this.direct.lost(path);
    }
    if (this.#path !== path) return;
    this.#openedLastMs = this.#now();
    this.#path = undefined;
    if (this.#ended.signal.aborted) return;
    this.#context.host.log.info('tunnel_lost', { connector: this.hash, code });
    this.#again();
  }

  #leave(path: Path): void {
    if (this.#path === path) {
      this.#path = undefined;
      this.#openedLastMs = this.#now();
    }
    this.direct?.lost(path);
    this.#leaving.add(path);
    const { tunnel } = path;
    const closeWhenEmpty = setInterval(() => {
      if (tunnel.flows === 0) tunnel.close();
    }, 1_000).unref();
    tunnel.once('close', () => {
      clearInterval(closeWhenEmpty);
      this.#leaving.delete(path);
    });
  }

  #again(): void {
    if (!this.#kept || this.#retired || this.#timer) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (!this.#path) void this.#relayed().catch(() => {});
    }, this.#backoff.next() + firstRetryMs).unref();
  }

  #now(): number {
    return this.#context.host.monotonic();
  }
}

/** The tunnel itself, once it is heard; or what the attempt to replace it comes to, whichever is first. */
async function heardOr(tunnel: ClientTunnel, attempt: Promise<ClientTunnel>): Promise<ClientTunnel> {
  const heard = Promise.withResolvers<ClientTunnel>();
  const onTrust = () => heard.resolve(tunnel);
  tunnel.once('trust', onTrust);
  try {
    return await Promise.race([attempt, heard.promise]);
  } finally {
    tunnel.off('trust', onTrust);
  }
}
