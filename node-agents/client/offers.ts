/**
 * Offers of direct paths that this Client has made and that wait for their answer, over the control channel.
 * Each is answered once, or its time is over. Used by `direct-path.ts`, fed by `session.ts`.
 */
import { nonce, type Random } from '#node-agents/process/random.ts';
import { neededCapability } from '#schema/control/features.ts';
import type { FromAgent, FromControllerOf } from '#schema/control/messages.ts';
import { isErrorCode, SallyportError } from '#schema/errors.ts';
import type { Candidate } from '#schema/path/candidates.ts';
import { offerLimits } from '#schema/path/desk.ts';

export interface OffersOptions {
  /** @returns false when the channel is not open. */
  send(message: FromAgent): boolean;
  random: Random;
}

export class Offers {
  readonly #met = Promise.withResolvers<void>();
  #capability = 0;
  readonly #o: OffersOptions;
  readonly #waiting = new Map<string, PromiseWithResolvers<Candidate[]>>();

  constructor(options: OffersOptions) {
    this.#o = options;
  }

  /** The Controller has said what it understands; offers wait for that. */
  welcomed(capability: number): void {
    this.#capability = capability;
    this.#met.resolve();
  }

  /**
   * @returns where the Connector may be met.
   * @throws SallyportError why it is not to be: what the Controller or the Connector says, or no answer.
   */
  async make(connector: string, candidates: Candidate[], signal: AbortSignal): Promise<Candidate[]> {
    const offer = nonce(this.#o.random);
    const answered = Promise.withResolvers<Candidate[]>();
    const late = setTimeout(
      () => answered.reject(new SallyportError('connector_unresponsive', 'no answer to the offer')),
      offerLimits.lifeMs,
    );
    const onAbort = () => answered.reject(new SallyportError('cancelled'));
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    this.#waiting.set(offer, answered);
    void this.#met.promise.then(() => {
      if (signal.aborted || this.#waiting.get(offer) !== answered) return;
      // An older Controller would end the channel for a message that it does not know.
      if (this.#capability < neededCapability.directPath)
        answered.reject(new SallyportError('version_unsupported', 'the Controller knows of no offers'));
      else if (!this.#o.send({ type: 'offer', offer, connector, candidates }))
        answered.reject(new SallyportError('controller_unreachable', 'the control channel is not open'));
    });
    try {
      return await answered.promise;
    } finally {
      clearTimeout(late);
      signal.removeEventListener('abort', onAbort);
      this.#waiting.delete(offer);
    }
  }

  /** What nobody waits for any more is dropped. */
  answered({ offer, candidates, code }: FromControllerOf<'answer'>): void {
    const waiting = this.#waiting.get(offer);
    if (code === undefined) waiting?.resolve(candidates ?? []);
    else waiting?.reject(new SallyportError(isErrorCode(code) ? code : 'unknown_error'));
  }
}
