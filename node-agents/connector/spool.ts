/**
 * Events between their happening and the Controller's word that it has them: in segments of one batch each,
 * on disk where there is a disk, so that neither a lost link nor a killed process loses them. Bounded: when
 * it is full the oldest segment goes, and how many events went with it is told. `report.ts` fills and
 * empties it.
 */
import { appendFile, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { batchLimit, type FlowEvent, flowEvent } from '#schema/event/event.ts';
import type { Log } from '../process/log.ts';

interface Segment {
  /** Number of its batch. */
  number: number;
  count: number;
  /** Takes no more events: it was offered to the Controller, or comes from an earlier run. */
  sealed: boolean;
  /** Undefined: read it from disk. */
  events: FlowEvent[] | undefined;
}

export interface SpoolOptions {
  /** Undefined: memory alone. */
  directory: string | undefined;
  segments: number;
  log: Log;
}

/** Sealed segments whose events are kept in memory too. */
const inMemory = 8;
const fileName = (number: number): string => `${String(number).padStart(12, '0')}.jsonl`;

export class Spool {
  readonly #o: SpoolOptions;
  readonly #segments: Segment[];
  /** Writes happen in order, one after the other. */
  #writing: Promise<void> = Promise.resolve();
  /** Events that had to go. */
  dropped = 0;

  private constructor(o: SpoolOptions, segments: Segment[]) {
    this.#o = o;
    this.#segments = segments;
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
      return new Spool(
        o,
        left.map((number) => ({ number, count: batchLimit, sealed: true, events: undefined })),
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
      this.#write(segment.number, part);
    }
  }

  /** The oldest batches whose numbers are not in `except`, at most `most` of them. */
  async take(
    except: { has(number: number): boolean },
    most: number,
  ): Promise<{ batch: number; events: FlowEvent[] }[]> {
    const chosen = this.#segments.filter(({ number }) => !except.has(number)).slice(0, most);
    for (const segment of chosen) segment.sealed = true;
    const batches = await Promise.all(
      chosen.map(async (segment) => ({
        batch: segment.number,
        events: segment.events ?? (await this.#read(segment.number)),
      })),
    );
    for (const { batch, events } of batches) if (events.length === 0) this.remove(batch);
    return batches.filter(({ events }) => events.length > 0);
  }

  /** The Controller has this batch. */
  remove(number: number): void {
    const at = this.#segments.findIndex((segment) => segment.number === number);
    if (at < 0) return;
    this.#segments.splice(at, 1);
    this.#unlink(number);
  }

  /** Resolves when all that was added is on disk. */
  written(): Promise<void> {
    return this.#writing;
  }

  #openSegment(): Segment {
    const last = this.#segments.at(-1);
    if (last && !last.sealed) return last;
    const segment: Segment = { number: (last?.number ?? 0) + 1, count: 0, sealed: false, events: [] };
    this.#segments.push(segment);
    if (this.#segments.length > this.#o.segments) this.#dropOldest();
    if (this.#o.directory !== undefined) {
      const old = this.#segments[this.#segments.length - 1 - inMemory];
      if (old) old.events = undefined;
    }
    return segment;
  }

  #dropOldest(): void {
    const oldest = this.#segments.shift()!;
    this.dropped += oldest.count;
    this.#o.log.warn('events_dropped', { dropped: this.dropped });
    this.#unlink(oldest.number);
  }

  #write(number: number, events: readonly FlowEvent[]): void {
    const lines = events.map((event) => `${JSON.stringify(event)}\n`).join('');
    this.#onDisk((path) => appendFile(path, lines, { mode: 0o600 }), number);
  }

  #unlink(number: number): void {
    this.#onDisk((path) => rm(path, { force: true }), number);
  }

  #onDisk(act: (path: string) => Promise<void>, number: number): void {
    const { directory, log } = this.#o;
    if (directory === undefined) return;
    this.#writing = this.#writing
      .then(() => act(join(directory, fileName(number))))
      .catch((error) => log.warn('spool_failed', { reason: (error as Error).message }));
  }

  async #read(number: number): Promise<FlowEvent[]> {
    const { directory, log } = this.#o;
    if (directory === undefined) return [];
    await this.#writing;
    const text = await readFile(join(directory, fileName(number)), 'utf8').catch((error) => {
      log.warn('spool_failed', { reason: (error as Error).message });
      return '';
    });
    return text.split('\n').flatMap((line) => parseLine(line));
  }
}

/** The last line may be torn when the process was killed while writing it. */
function parseLine(line: string): FlowEvent[] {
  try {
    return [flowEvent.parse(JSON.parse(line))];
  } catch {
    return [];
  }
}
