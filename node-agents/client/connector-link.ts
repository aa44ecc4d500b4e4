/**
 * This Client's tunnel to one Connector: opened when wanted, kept open where it should be ready ahead of
 * need, opened again with jitter when lost. Token, relays (`link/relay/meet.ts`), pinned TLS and HELLO all
 * happen here; which Connector is asked, and in which order, is `tunnels.ts`.
 */

import type { ControllerClock } from '#node-agents/link/clock.ts';
import type { Identity } from '#node-agents/link/identity.ts';
import { connectPinned } from '#node-agents/link/pinned-tls.ts';
import { connectThrough } from '#node-agents/link/relay/meet.ts';
import { ClientTunnel } from '#node-agents/link/tunnel/client.ts';
import { type Backoff, backoff } from '#node-agents/process/backoff.ts';
import type { Host } from '#node-agents/process/host.ts';
import type { RelayEntry } from '#schema/control/messages.ts';
import { type ErrorCode, SallyportError } from '#schema/errors.ts';
import type { ConnectorHash } from '#schema/ids.ts';

/** What every link of a session shares. */
export interface LinkContext {
  identity: Identity;
  clock: ControllerClock;
  host: Host;
  /** A connection token for this Connector. Single use. */
  token(hash: string): Promise<string>;
  relays(ids: readonly string[]): RelayEntry[];
}

export type LinkState = 'idle' | 'connecting' | 'open' | 'waiting' | 'retired';

const handshakeMs = 8_000;
/** A flow that comes this soon after a failed attempt is told of that one; it does not start another. */
const freshFailureMs = 150;
const firstRetryMs = 300;
const lastRetryMs = 30_000;

export class ConnectorLink {
  readonly hash: string;
  readonly #context: LinkContext;
  readonly #acl: () => string;
  readonly #backoff: Backoff;
  /** The ids of relays where the Connector waits. */
  relayIds: readonly string[] = [];
  relay: RelayEntry | undefined;
  failure: { error: SallyportError; atMs: number } | undefined;
  #openedLastMs = Number.NEGATIVE_INFINITY;
  #doubtedAt: number | undefined;
  #kept = false;
  #retired = false;
  #tunnel: ClientTunnel | undefined;
  /** Tunnels that take no new flows but still carry some. */
  readonly #leaving = new Set<ClientTunnel>();
  #attempt: Promise<ClientTunnel> | undefined;
  readonly #ended = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  /** @param acl the signed Client ACL of the Connector's network, as it is now. */
  constructor(hash: string, acl: () => string, context: LinkContext) {
    this.hash = hash;
    this.#acl = acl;
    this.#context = context;
    const { random } = context.host;
    this.#backoff = backoff({ firstMs: firstRetryMs, maxMs: lastRetryMs, random });
  }

  get state(): LinkState {
    if (this.#retired) return 'retired';
    if (this.tunnel) return 'open';
    if (this.#attempt) return 'connecting';
    return this.#timer ? 'waiting' : 'idle';
  }

  /** The tunnel that takes new flows, if there is one now. */
  get tunnel(): ClientTunnel | undefined {
    return this.#tunnel?.goingAway ? undefined : this.#tunnel;
  }

  /** A flow got no answer here, and nothing at all has been heard since. */
  get doubted(): boolean {
    return (
      this.#doubtedAt !== undefined && this.tunnel !== undefined && this.tunnel.heardAt <= this.#doubtedAt
    );
  }

  /** When a tunnel last was open, monotonic. */
  get openedLastMs(): number {
    return this.tunnel ? this.#now() : this.#openedLastMs;
  }

  doubt(): void {
    this.#doubtedAt = this.#now();
  }

  get flows(): number {
    return this.#all().reduce((sum, tunnel) => sum + tunnel.flows, 0);
  }

  /** Whether it should be ready ahead of need. */
  keep(kept: boolean): void {
    this.#kept = kept;
    if (kept && this.state === 'idle') void this.ready().catch(() => {});
  }

  /** @throws SallyportError why there is no tunnel. Callers at the same time share one attempt. */
  ready(): Promise<ClientTunnel> {
    if (this.tunnel) return Promise.resolve(this.tunnel);
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

  renewAcl(signed: string): void {
    for (const tunnel of this.#all()) tunnel.renewAcl(signed);
  }

  /** Takes no new flow; those that live may finish. */
  retire(): void {
    this.#retired = true;
    clearTimeout(this.#timer);
    if (this.#tunnel) this.#leave(this.#tunnel);
  }

  close(code?: ErrorCode): void {
    this.retire();
    this.#ended.abort();
    for (const tunnel of this.#all()) tunnel.close(code);
  }

  async #open(): Promise<ClientTunnel> {
    const { host } = this.#context;
    const log = host.log.child({ connector: this.hash });
    try {
      const tunnel = await this.#meet();
      log.info('tunnel_open', { relay: this.relay?.id });
      this.failure = undefined;
      this.#backoff.reset();
      this.#tunnel = tunnel;
      this.#doubtedAt = undefined;
      tunnel.once('close', (code) => this.#lost(tunnel, code));
      tunnel.once('goaway', (code) => {
        log.info('tunnel_goaway', { code });
        this.#leave(tunnel);
        this.#again();
      });
      if (this.#retired) this.#leave(tunnel);
      return tunnel;
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

  async #meet(): Promise<ClientTunnel> {
    const { identity, clock, host, token, relays } = this.#context;
    const { signal } = this.#ended;
    const connectionToken = await token(this.hash);
    const { random, log, monotonic } = host;
    const meeting = await connectThrough({
      relays: relays(this.relayIds),
      ...{ connectionToken, identity, clock, random, signal },
      timeoutMs: handshakeMs,
    });
    this.relay = meeting.relay;
    const connectorHash = this.hash as ConnectorHash;
    const socket = await connectPinned(meeting.stream, { identity, connectorHash, timeoutMs: handshakeMs });
    if (signal.aborted) {
      socket.destroy();
      throw new SallyportError('cancelled');
    }
    const acl = this.#acl();
    const tunnel = await ClientTunnel.open(socket, {
      connectionToken,
      acl,
      log,
      now: monotonic,
      timeoutMs: handshakeMs,
    });
    if (signal.aborted) {
      tunnel.close();
      throw new SallyportError('cancelled');
    }
    // A newer one may have come while the Connector was judging this one.
    if (this.#acl() !== acl) tunnel.renewAcl(this.#acl());
    return tunnel;
  }

  #lost(tunnel: ClientTunnel, code: string): void {
    this.#leaving.delete(tunnel);
    if (this.#tunnel !== tunnel) return;
    this.#openedLastMs = this.#now();
    this.#tunnel = undefined;
    if (this.#ended.signal.aborted) return;
    this.#context.host.log.info('tunnel_lost', { connector: this.hash, code });
    this.#again();
  }

  #leave(tunnel: ClientTunnel): void {
    if (this.#tunnel === tunnel) {
      this.#tunnel = undefined;
      this.#openedLastMs = this.#now();
    }
    this.#leaving.add(tunnel);
    const closeWhenEmpty = setInterval(() => {
      if (tunnel.flows === 0) tunnel.close();
    }, 1_000).unref();
    tunnel.once('close', () => {
      clearInterval(closeWhenEmpty);
      this.#leaving.delete(tunnel);
    });
  }

  #again(): void {
    if (!this.#kept || this.#retired || this.#timer) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.ready().catch(() => {});
    }, this.#backoff.next() + firstRetryMs).unref();
  }

  #all(): ClientTunnel[] {
    return this.#tunnel ? [this.#tunnel, ...this.#leaving] : [...this.#leaving];
  }

  #now(): number {
    return this.#context.host.monotonic();
  }
}
