/**
 * Tells the Controller what happened to flows: events gather for a moment, go into the spool and from there
 * in batches over the control channel, several on their way at once, until each is acknowledged. A batch
 * that was sent twice is stored once, because events keep their ids.
 */
import type { FromAgent } from '#schema/control/messages.ts';
import type { FlowEvent } from '#schema/event/event.ts';
import { summaryMs, Thinning, type ThinningRates } from '#schema/event/thin.ts';
import { mintId, timeOrdered } from '#schema/ids.ts';
import type { Random } from '../process/random.ts';
import type { Spool } from './spool.ts';

export interface ReportOptions {
  spool: Spool;
  /** @returns false when it could not be sent. */
  send(message: FromAgent): boolean;
  /** By the Controller's clock. */
  now(): number;
  random: Random;
  gatherMs?: number;
  rates?: ThinningRates;
}

export type Report = ReturnType<typeof createReport>;

/** Batches on their way, and milliseconds after which one that is not acknowledged is sent again. */
const inFlight = 8;
const againMs = 15_000;

export function createReport({ spool, send, now, random, gatherMs = 50, rates }: ReportOptions) {
  let gathered: FlowEvent[] = [];
  let timer: NodeJS.Timeout | undefined;
  let summaryTimer: NodeJS.Timeout | undefined;
  const thinning = new Thinning<FlowEvent>(rates);
  const sent = new Map<number, number>();
  let pumping = false;

  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (gathered.length > 0) spool.add(gathered);
    gathered = [];
    void pump();
  };

  const summarise = (): void => {
    clearTimeout(summaryTimer);
    summaryTimer = undefined;
    gathered.push(...thinning.takeHeld(now()));
    flush();
  };

  const pump = async (): Promise<void> => {
    if (pumping) return;
    pumping = true;
    for (const [batch, at] of sent) if (now() - at > againMs) sent.delete(batch);
    try {
      while (sent.size < inFlight && spool.size > 0) {
        const batches = await spool.take(sent, inFlight - sent.size);
        if (batches.length === 0) break;
        for (const { batch, events } of batches) {
          if (!send({ type: 'events', batch, events })) return;
          spool.seal(batch);
          sent.set(batch, now());
        }
      }
    } finally {
      pumping = false;
    }
  };

  return {
    add(event: Omit<FlowEvent, 'id' | 'at'>): void {
      const at = now();
      const made = { ...event, id: mintId('event', timeOrdered(at, random(16))), at };
      if (!thinning.pass(made, at)) {
        summaryTimer ??= setTimeout(summarise, summaryMs).unref();
        return;
      }
      gathered.push(made);
      if (gathered.length >= 1_000) flush();
      else timer ??= setTimeout(flush, gatherMs);
    },
    /** The channel is open again: whatever is not acknowledged is sent anew. */
    resume(): void {
      sent.clear();
      void pump();
    },
    stored(batch: number): void {
      spool.remove(batch);
      sent.delete(batch);
      void pump();
    },
    get waiting(): number {
      return gathered.length + spool.size;
    },
    /** Resolves when everything is acknowledged, or after `withinMs`; then at least it is on disk. */
    async finish(withinMs: number): Promise<void> {
      summarise();
      const deadline = now() + withinMs;
      while (spool.size > 0 && now() < deadline) await new Promise((tick) => setTimeout(tick, 20));
      await spool.written();
    },
  };
}
