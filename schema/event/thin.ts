/**
 * How much of what is refused is written down one by one: a program that is refused in a loop, or a rogue that
 * means to, must fill neither the database nor the spool in front of it. What is too much is counted, and told
 * with the last of it (`suppressed`). Only events are thinned, never flows. Connectors thin what they see
 * (`connector/report.ts`), the Controller what Clients tell (`workers/control-channel/client-events.ts`).
 */
import { Buckets, type Rate } from '#schema/rate/bucket.ts';
import type { FlowEvent } from './event.ts';

export interface ThinningRates {
  instance: Rate;
  /** Over all its instances. */
  principal: Rate;
}

export const defaultRates: ThinningRates = {
  instance: { burst: 100, perSecond: 5 },
  principal: { burst: 2_000, perSecond: 50 },
};

type Thinned = Pick<FlowEvent, 'kind' | 'principal' | 'instance' | 'suppressed'>;

/** Milliseconds after which what was held back is told. */
export const summaryMs = 5_000;
/** Instances whose rate is known at one time; those beyond it share their principal's alone. */
const mostInstances = 10_000;

export class Thinning<E extends Thinned> {
  readonly #instances: Buckets;
  readonly #principals: Buckets;
  /** By principal: the last event that was held back, and how many it stands for. */
  readonly #held = new Map<string, { event: E; count: number }>();

  constructor(rates: ThinningRates = defaultRates) {
    this.#instances = new Buckets(rates.instance, mostInstances);
    this.#principals = new Buckets(rates.principal);
  }

  /** Whether anything is held back: `takeHeld` is due within `summaryMs`. */
  get holds(): boolean {
    return this.#held.size > 0;
  }

  /** @returns whether the event is to be written; else it is counted. What was let through always is. */
  pass(event: E, nowMs: number): boolean {
    if (event.kind !== 'denied' && event.kind !== 'failed') return true;
    const { principal = '', instance = '' } = event;
    const one = this.#instances.of(instance, nowMs);
    const all = this.#principals.of(principal, nowMs);
    if ((one === undefined || one.tokens >= 1) && all!.tokens >= 1) {
      if (one) one.tokens--;
      all!.tokens--;
      return true;
    }
    const before = this.#held.get(principal)?.count ?? 0;
    this.#held.set(principal, { event, count: before + 1 + (event.suppressed ?? 0) });
    return false;
  }

  /** The summaries of what was held back. Forgets whoever has been quiet for long enough. */
  takeHeld(nowMs: number): E[] {
    const summaries = [...this.#held.values()].map(({ event, count }) => ({
      ...event,
      suppressed: count - 1,
    }));
    this.#held.clear();
    this.#instances.forgetFull(nowMs);
    this.#principals.forgetFull(nowMs);
    return summaries;
  }
}
