/**
 * Answers offers of direct paths: finds out where this host may be met, tells, and dials the Client's candidates
 * while the Client dials ours. A Connector only ever dials, it never listens: a connection comes about by the
 * peer's listener, or by both SYNs meeting (`link/path/README.md`). Whoever is there must be the key that the
 * offer names, before a byte of it is read. Offers come from `session.ts`, tunnels go to `tunnels.ts`.
 */
import type { Socket } from 'node:net';
import type { FromAgent, FromControllerOf, RelayEntry } from '#schema/control/messages.ts';
import { type ErrorCode, SallyportError } from '#schema/errors.ts';
import type { Candidate } from '#schema/path/candidates.ts';
import { gather } from '../link/path/gather.ts';
import type { OpenPorts } from '../link/path/port.ts';
import { punch } from '../link/path/punch.ts';
import type { Log } from '../process/log.ts';
import type { Random } from '../process/random.ts';
import { limits } from './limits.ts';
import type { Tunnels } from './tunnels.ts';

export interface OffersOptions {
  /** Absent: no direct paths. */
  openPorts: OpenPorts | undefined;
  tunnels: Pick<Tunnels, 'takeDirect'>;
  /** Those at which this Connector is registered. */
  relays(): RelayEntry[];
  /** A reason not to take anybody in just now. */
  refusal(): ErrorCode | undefined;
  send(message: FromAgent): boolean;
  /** Monotonic milliseconds. */
  now(): number;
  random: Random;
  log: Log;
}

export class Offers {
  readonly #o: OffersOptions;
  /** One for each Client: a newer offer takes the place of the older. */
  readonly #underWay = new Map<string, AbortController>();
  #closed = false;

  constructor(options: OffersOptions) {
    this.#o = options;
  }

  /** Answers in any case. */
  async take({ offer, jkt, candidates }: FromControllerOf<'offer'>): Promise<void> {
    const { log } = this.#o;
    const refusal = this.#refusal(jkt);
    if (refusal) return this.#answer(offer, { code: refusal });
    this.#underWay.get(jkt)?.abort();
    const ended = new AbortController();
    this.#underWay.set(jkt, ended);
    log.debug('offer', { candidates });
    try {
      await this.#meet(offer, jkt, candidates, ended.signal);
    } catch (error) {
      const code = error instanceof SallyportError ? error.code : 'internal_error';
      log[code === 'internal_error' ? 'error' : 'debug']('direct_path_failed', { code, error });
    } finally {
      if (this.#underWay.get(jkt) === ended) this.#underWay.delete(jkt);
    }
  }

  close(): void {
    this.#closed = true;
    for (const ended of this.#underWay.values()) ended.abort();
  }

  #refusal(jkt: string): ErrorCode | undefined {
    if (!this.#o.openPorts) return 'path_unavailable';
    if (this.#closed) return 'draining';
    const full = this.#underWay.size >= limits.offers && !this.#underWay.has(jkt);
    return full ? 'limit_reached' : this.#o.refusal();
  }

  async #meet(
    offer: string,
    jkt: string,
    candidates: readonly Candidate[],
    signal: AbortSignal,
  ): Promise<void> {
    const { openPorts, relays, now, random } = this.#o;
    const ports = await openPorts!();
    try {
      if (ports.length === 0) return this.#answer(offer, { code: 'path_unavailable' });
      const gathered = await gather(ports, relays(), signal);
      try {
        if (signal.aborted) return;
        this.#answer(offer, { candidates: gathered.candidates });
        await punch({
          ...{ ports, candidates, listen: false, leaveOthers: true, now, random, signal },
          prove: (socket) => this.#prove(socket, jkt),
        });
      } finally {
        gathered.close();
      }
    } finally {
      for (const port of ports) port.close();
    }
  }

  async #prove(socket: Socket, jkt: string): Promise<void> {
    const { tunnels, log } = this.#o;
    try {
      await tunnels.takeDirect(socket, jkt);
    } catch (error) {
      const code = error instanceof SallyportError ? error.code : 'internal_error';
      // Whoever answers at an address may be anybody; with another key it is somebody who should not.
      const wrong = code === 'proof_invalid' || code === 'peer_not_pinned';
      log[wrong ? 'warn' : 'debug']('direct_peer_refused', { code });
      throw error;
    }
  }

  #answer(offer: string, what: { candidates: Candidate[] } | { code: ErrorCode }): void {
    this.#o.send({ type: 'answer', offer, ...what });
  }
}
