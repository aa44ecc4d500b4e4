/**
 * All tunnels into this Connector: takes in what `relays.ts` hands over, applies what `session.ts` learns
 * (a changed ACL, a revocation, silence) to every one of them, and drains them at the end.
 */
import type { Duplex } from 'node:stream';
import { type ErrorCode, SallyportError } from '#schema/errors.ts';
import type { Identity } from '../link/identity.ts';
import { usedTokens } from './admit.ts';
import type { Gate } from './gate.ts';
import { limits } from './limits.ts';
import { type Origin, Tunnel } from './tunnel.ts';

export class Tunnels {
  readonly #gate: Gate;
  readonly #identity: Identity;
  readonly #now: () => number;
  readonly #onDoubt: (relay: string) => void;
  readonly #live = new Set<Tunnel>();
  readonly #used = usedTokens();
  readonly #timer: NodeJS.Timeout;
  #handshakes = 0;
  #draining = false;
  #onIdle: (() => void) | undefined;
  #wasStale = false;

  /**
   * @param now monotonic milliseconds.
   * @param onDoubt a tunnel through this relay has fallen silent.
   */
  constructor(gate: Gate, identity: Identity, now: () => number, onDoubt: (relay: string) => void) {
    this.#gate = gate;
    this.#identity = identity;
    this.#now = now;
    this.#onDoubt = onDoubt;
    this.#timer = setInterval(() => this.#checkTime(), 250);
    this.#timer.unref();
  }

  get size(): number {
    return this.#live.size;
  }

  /** Of these, without a relay. */
  get direct(): number {
    return [...this.#live].filter(({ relay }) => relay === undefined).length;
  }

  get flows(): number {
    return this.#gate.census.flows;
  }

  /** Why no further tunnel is taken now, if so. */
  get refusal(): ErrorCode | undefined {
    if (this.#draining) return 'draining';
    return this.#live.size + this.#handshakes >= limits.tunnels ? 'limit_reached' : undefined;
  }

  /** A Client that the relay has let through. What fails is logged: nobody else is waiting for it. */
  async take(open: () => Promise<Duplex>, relay: string): Promise<void> {
    try {
      await this.#accept(open, { relay });
    } catch (error) {
      const code = error instanceof SallyportError ? error.code : 'internal_error';
      this.#gate.log.warn('tunnel_failed', { relay, code, error });
    }
  }

  /**
   * Somebody who was met without a relay.
   * @param jkt thumbprint of the key that they must prove to hold.
   * @throws SallyportError why they are not taken; the stream is destroyed then.
   */
  takeDirect(stream: Duplex, jkt: string): Promise<void> {
    return this.#accept(async () => stream, { jkt });
  }

  async #accept(open: () => Promise<Duplex>, from: Origin): Promise<void> {
    this.#handshakes++;
    try {
      const tunnel = await Tunnel.accept(await open(), {
        gate: this.#gate,
        identity: this.#identity,
        used: this.#used,
        from,
        now: this.#now,
        onDoubt: () => {
          if ('relay' in from) this.#onDoubt(from.relay);
        },
        onClose: (closed) => this.#forget(closed),
      });
      if (!tunnel.closed) this.#live.add(tunnel);
      if (this.#draining) tunnel.goAway('draining');
    } finally {
      this.#handshakes--;
    }
  }

  /** @param changed keys of the Connector ACL's entries; all when absent. */
  rejudge(changed?: ReadonlySet<string>): void {
    for (const tunnel of this.#live) tunnel.rejudge(changed);
  }

  /** Cuts what belongs to any of these; everything when absent. */
  cut(code: ErrorCode, ids?: ReadonlySet<string>): { flows: number; tunnels: number } {
    const cut = { flows: 0, tunnels: 0 };
    for (const tunnel of this.#live) {
      if (ids && !tunnel.isOf(ids)) continue;
      cut.flows += tunnel.cut(code);
      cut.tunnels++;
    }
    return cut;
  }

  /** Clients open other tunnels; the flows that live in these go on. @param relay through which they come. */
  goAway(code: ErrorCode, relay?: string): void {
    for (const tunnel of this.#live) if (relay === undefined || tunnel.relay === relay) tunnel.goAway(code);
  }

  /** No new flows; resolves when the last tunnel has closed, or after `withinMs`, when the rest is cut. */
  async drain(withinMs: number): Promise<void> {
    this.#draining = true;
    this.goAway('draining');
    if (this.#live.size > 0) {
      await new Promise<void>((done) => {
        const timer = setTimeout(done, withinMs);
        this.#onIdle = () => {
          clearTimeout(timer);
          done();
        };
      });
    }
    this.cut('draining');
    clearInterval(this.#timer);
  }

  #forget(tunnel: Tunnel): void {
    this.#live.delete(tunnel);
    if (this.#live.size === 0) this.#onIdle?.();
  }

  #checkTime(): void {
    const moment = this.#gate.moment();
    // Before its first ACL there is nothing that could have aged.
    const stale = this.#gate.acl.version !== undefined && this.#gate.isStale();
    if (stale && !this.#wasStale) {
      this.#gate.log.error('acl_stale', { version: this.#gate.acl.version, heard_ms: moment.heardMs });
      this.rejudge();
    }
    this.#wasStale = stale;
    for (const tunnel of this.#live) tunnel.checkTime(moment.nowMs);
  }
}
