/**
 * Events that Clients tell of themselves, before they are stored: more than a Client has reason to tell is
 * counted instead (`schema/event/thin.ts`), and the count stored a little later. Between `receive.ts` and
 * `store-events.ts`.
 */

import type { FlowEvent } from '#schema/event/event.ts';
import { summaryMs, Thinning } from '#schema/event/thin.ts';
import { describeFault } from '#workers/controller/describe-fault.ts';
import type { Ports, VerifiedAgent } from '#workers/controller/ports.ts';
import { storeEvents } from './store-events.ts';

type ClientAgent = Extract<VerifiedAgent, { role: 'client' }>;
type Told = FlowEvent & { by?: ClientAgent };

export class ClientEvents {
  readonly #ports: Ports;
  readonly #thinning = new Thinning<Told>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(ports: Ports) {
    this.#ports = ports;
  }

  async store(by: ClientAgent, batch: readonly FlowEvent[]): Promise<void> {
    const { database, clock } = this.#ports;
    const { principal, id: instance } = by;
    const now = clock();
    // Who it is, the Controller knows better than the batch; what is no Client's to tell is not counted either.
    const told = batch
      .filter(({ kind }) => kind === 'denied' || kind === 'failed')
      .map((event): Told => ({ ...event, principal, instance, by }));
    const passed = told.filter((event) => this.#thinning.pass(event, now));
    // Keeps the object awake until then, so that the count is not lost with its memory.
    if (this.#thinning.holds) this.#timer ??= setTimeout(() => void this.#storeHeld(), summaryMs);
    await storeEvents(database, by, passed, now);
  }

  async #storeHeld(): Promise<void> {
    this.#timer = undefined;
    const { database, clock, log } = this.#ports;
    for (const { by, ...event } of this.#thinning.takeHeld(clock())) {
      log('warn', 'events_suppressed', { principal: event.principal, suppressed: event.suppressed });
      await storeEvents(database, by!, [event], clock()).catch((error) =>
        log('error', 'events_lost', { error: describeFault(error) }),
      );
    }
  }
}
