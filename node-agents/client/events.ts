/**
 * Events of what never left this Client: flows that it refused itself, or for which no Connector was to be
 * had. The Connector writes all others. They wait in memory, bounded, until the Controller has stored them
 * (`events_stored`); a batch that was not acknowledged is sent again, which is harmless because of its ids.
 */
import type { FromAgent } from '#schema/control/messages.ts';
import { batchLimit, type FlowEvent } from '#schema/event/event.ts';

export interface EventOutbox {
  add(event: FlowEvent): void;
  /** Sends what waits, unless a batch is under way. */
  flush(): void;
  stored(batch: number): void;
  /** The channel is new: what was under way is under way no longer. */
  restart(): void;
  readonly waiting: number;
  /** Dropped because too many waited. */
  readonly dropped: number;
}

const limit = 2_000;

/** @param send false: not now. */
export function eventOutbox(send: (message: FromAgent) => boolean): EventOutbox {
  let events: FlowEvent[] = [];
  let dropped = 0;
  let batch = 0;
  let underWay = 0;
  return {
    add(event) {
      events.push(event);
      if (events.length - underWay <= limit) return;
      events.splice(underWay, 1);
      dropped++;
    },
    flush() {
      if (underWay > 0 || events.length === 0) return;
      const part = events.slice(0, batchLimit);
      if (send({ type: 'events', batch: batch + 1, events: part })) {
        batch++;
        underWay = part.length;
      }
    },
    stored(number) {
      if (number !== batch || underWay === 0) return;
      events = events.slice(underWay);
      underWay = 0;
    },
    restart() {
      underWay = 0;
    },
    get waiting() {
      return events.length;
    },
    get dropped() {
      return dropped;
    },
  };
}
