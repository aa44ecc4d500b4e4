/**
 * Events between their happening and the Controller's word that it has them: in segments of one batch each,
 * on disk where there is a disk, so that neither a lost link nor a killed process loses them. Bounded: when
 * it is full the oldest segment goes, and how many events went with it is told. `report.ts` fills and
 * empties it.
 */
import { appendFile, mkdir, readdir, readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { batchLimit, type FlowEvent, flowEvent } from '#schema/event/event.ts';
import type { Log } from '../process/log.ts';

interface Segment {
  /** Number of its batch. */
  number: number;
  count: number;
  /** Takes no more events: it was sent to the Controller, is full, or comes from an earlier run. */
  sealed: boolean;
  /** Undefined: read it from disk. */
  events: FlowEvent[] | undefined;
  /** How many of its events are on disk. */
  saved: number;
}

export interface Batch {
  batch: number;
  events: FlowEvent[];
}

export interface SpoolOptions {
  /** Undefined: memory alone. */
  directory: string | undefined;
  /** Segments kept on disk, and where there is no disk or it fails. */
  segments: number;
  segmentsInMemory: number;
  log: Log;
}

/** Saved segments whose events are kept in memory too. */
const recent = 8;
const fileName = (number: number): string => `${String(number).padStart(12, '0')}.jsonl`;

export class Spool {
  readonly #o: SpoolOptions;
  readonly #segments: Segment[];
  /** Never used again: a late acknowledgement must not be taken for another batch's. */
  #lastNumber: number;
  /** Files whose events are acknowledged or dropped. */
  #obsolete: number[] = [];
  #saving: Promise<void> | undefined;
  #diskFails = false;
  /** Events that had to go. */
  dropped = 0;

  private constructor(o: SpoolOptions, segments: Segment[]) {
    this.#o = o;
    this.#segments = segments;
    this.#lastNumber = segments.at(-1)?.number ?? 0;
  }

  /** With what an earlier run left. */
  static async open(o: SpoolOptions): Promise<Spool> {
    if (o.directory === undefined) return new Spool(o, []);
    try {
      await mkdir(o.directory, { recursive: true, mode: 0o700 });
      const numbers = (await readdir(o.directory)).flatMap((name) =>
        /^\d{12}\.jsonl$/.test(name) ? [Number(name.slice(0, 12))] : [],
      );
      const left = numbers.sort((a, b) => a - b);
      const full = { count: batchLimit, sealed: true, events: undefined, saved: batchLimit };
      return new Spool(
        o,
        left.map((number) => ({ number, ...full })),
      );
    } catch (error) {
      o.log.warn('spool_unusable', { reason: (error as Error).message });
      return new Spool({ ...o, directory: undefined }, []);
    }
  }

  /** Events waiting, at most; a segment of an earlier run counts as full. */
  get size(): number {
    return this.#segments.reduce((sum, { count }) => sum + count, 0);
  }

  add(events: readonly FlowEvent[]): void {
    for (let at = 0; at < events.length; ) {
      const segment = this.#openSegment();
      const part = events.slice(at, at + batchLimit - segment.count);
      at += part.length;
      segment.events!.push(...part);
      segment.count += part.length;
      if (segment.count === batchLimit) segment.sealed = true;
    }
    this.#save();
  }

  /** The oldest batches whose numbers are not in `except`, at most `most` of them. `seal` what is sent, at once. */
  async take(except: { has(number: number): boolean }, most: number): Promise<Batch[]> {
    const chosen = this.#segments.filter(({ number }) => !except.has(number)).slice(0, most);
    const batches = await Promise.all(
      chosen.map(async ({ number, events }) => ({
        batch: number,
        events: events ?? (await this.#read(number)),
      })),
    );
    for (const { batch, events } of batches) if (events.length === 0) this.remove(batch);
    return batches.filter(({ events }) => events.length > 0);
  }

  /** It was sent as it is now: further events go into another. */
  seal(number: number): void {
    const segment = this.#segments.find((one) => one.number === number);
    if (segment) segment.sealed = true;
  }

  /** The Controller has this batch. */
  remove(number: number): void {
    const at = this.#segments.findIndex((segment) => segment.number === number);
    if (at >= 0) this.#forget(this.#segments.splice(at, 1)[0]!);
  }

  /** Resolves when all that was added is on disk. */
  async written(): Promise<void> {
    while (this.#saving) await this.#saving;
  }

  #openSegment(): Segment {
    const last = this.#segments.at(-1);
    if (last && !last.sealed) return last;
    const segment: Segment = { number: ++this.#lastNumber, count: 0, sealed: false, events: [], saved: 0 };
    this.#segments.push(segment);
    const { directory, segments, segmentsInMemory } = this.#o;
    const most = directory === undefined || this.#diskFails ? segmentsInMemory : segments;
    while (this.#segments.length > most) {
      const oldest = this.#segments.shift()!;
      this.dropped += oldest.count;
      this.#o.log.warn('events_dropped', { dropped: this.dropped });
      this.#forget(oldest);
    }
    return segment;
  }

  #forget(segment: Segment): void {
    if (segment.saved === 0 && !this.#saving) return;
    this.#obsolete.push(segment.number);
    this.#save();
  }

  /** One write at a time, always of what is there by then: a slow disk delays, it does not pile up. */
  #save(): void {
    const { directory, log } = this.#o;
    if (directory === undefined) {
      this.#obsolete = [];
      return;
    }
    this.#saving ??= this.#saveAll(directory)
      .then(
        () => {
          this.#diskFails = false;
        },
        (error) => {
          this.#diskFails = true;
          log.warn('spool_failed', { reason: (error as Error).message });
        },
      )
      .finally(() => {
        this.#saving = undefined;
      });
  }

  async #saveAll(directory: string): Promise<void> {
    for (;;) {
      const obsolete = this.#obsolete.splice(0);
      for (const number of obsolete) await removed(join(directory, fileName(number)));
      const segment = this.#segments.find(({ saved, count }) => saved < count);
      if (!segment) {
        if (this.#obsolete.length > 0) continue;
        return;
      }
      const part = segment.events!.slice(segment.saved);
      const lines = part.map((event) => `${JSON.stringify(event)}\n`).join('');
      await appendFile(join(directory, fileName(segment.number)), lines, { mode: 0o600 });
      segment.saved += part.length;
      this.#trim();
    }
  }

  #trim(): void {
    for (const segment of this.#segments.slice(0, -recent)) {
      if (segment.sealed && segment.saved === segment.count) segment.events = undefined;
    }
  }

  async #read(number: number): Promise<FlowEvent[]> {
    const { directory, log } = this.#o;
    if (directory === undefined) return [];
    const text = await readFile(join(directory, fileName(number)), 'utf8').catch((error) => {
      log.warn('spool_failed', { reason: (error as Error).message });
      return '';
    });
    return text.split('\n').flatMap((line) => parseLine(line));
  }
}

/** It may never have been written. (`rm` with `force` would look at each file first.) */
const removed = (path: string): Promise<void> =>
  unlink(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });

/** The last line may be torn when the process was killed while writing it. */
function parseLine(line: string): FlowEvent[] {
  try {
    return [flowEvent.parse(JSON.parse(line))];
  } catch {
    return [];
  }
}
