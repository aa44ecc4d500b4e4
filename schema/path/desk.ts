/**
 * What the Controller knows of offers under way: how many a Client may make and a Connector be sent, and who
 * waits for which answer. An offer lives for seconds and is answered once; nothing of it is kept afterwards.
 * Hosted by `workers/control-channel/offers.ts`.
 */
import { refuse, type Verdict } from '#schema/errors.ts';
import { Buckets } from '#schema/rate/bucket.ts';

export const offerLimits = {
  /** Milliseconds for an answer. */
  lifeMs: 8_000,
  /** A Client turns to several Connectors when it starts. */
  ofClient: { burst: 16, perSecond: 0.5 },
  /** By all Clients together, who may all start at once. */
  toConnector: { burst: 100, perSecond: 20 },
  /** Offers that wait for their answer, and names with a rate, of one object. */
  waiting: 2_000,
  names: 4_000,
} as const;

interface Waiting {
  /** Whom it was sent to, and who is waiting. */
  connector: string;
  instance: string;
  untilMs: number;
}

export class OfferDesk {
  readonly #ofClient = new Buckets(offerLimits.ofClient, offerLimits.names);
  readonly #toConnector = new Buckets(offerLimits.toConnector, offerLimits.names);
  readonly #waiting = new Map<string, Waiting>();

  /** Where the Client's channel is held: whether it may offer now. */
  mayOffer(instance: string, nowMs: number): Verdict<object, 'limit_reached'> {
    return this.#ofClient.take(instance, nowMs) ? { ok: true } : refuse('limit_reached');
  }

  /** Where the Connector's channel is held: the offer goes to it. */
  pass(
    offer: string,
    who: { connector: string; instance: string },
    nowMs: number,
  ): Verdict<object, 'limit_reached' | 'token_replayed'> {
    this.#forget(nowMs);
    if (this.#waiting.has(offer)) return refuse('token_replayed');
    if (this.#waiting.size >= offerLimits.waiting) return refuse('limit_reached');
    if (!this.#toConnector.take(who.connector, nowMs)) return refuse('limit_reached');
    this.#waiting.set(offer, { ...who, untilMs: nowMs + offerLimits.lifeMs });
    return { ok: true };
  }

  /** @returns who waits for this answer; undefined when nobody does, or not for this Connector's. */
  answered(offer: string, connector: string, nowMs: number): string | undefined {
    const waiting = this.#waiting.get(offer);
    if (waiting === undefined || waiting.connector !== connector || waiting.untilMs < nowMs) return undefined;
    this.#waiting.delete(offer);
    return waiting.instance;
  }

  /** The oldest are first. */
  #forget(nowMs: number): void {
    for (const [offer, { untilMs }] of this.#waiting) {
      if (untilMs >= nowMs) return;
      this.#waiting.delete(offer);
    }
  }
}
