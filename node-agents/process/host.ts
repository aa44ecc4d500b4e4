/**
 * All that an agent takes from the process it runs in. The main (`sallyportd.ts`) makes the real one; a test
 * hands in its own and so runs an agent, clock and all, inside itself.
 */
import { randomFillSync } from 'node:crypto';
import { uptime } from 'node:os';
import type { Log } from './log.ts';
import { drawingAhead, type Random } from './random.ts';
import { steadyClock } from './steady-clock.ts';

/** How an agent stands, for whoever started it. */
export interface News {
  /** It does now what it is for. */
  ready?: true;
  /** It ends in order. */
  stopping?: true;
  /** A few words for a person. */
  status?: string;
}

export interface Host {
  /** Milliseconds since the epoch. Setting the machine's clock does not move it (`steady-clock.ts`). */
  now(): number;
  /** Milliseconds with a fraction since some moment; never goes back. For durations and round trips. */
  monotonic(): number;
  random: Random;
  log: Log;
  /** Aborted when the process is asked to end: the agent drains, and its `run…` then resolves. Faults are thrown. */
  shutdown: AbortSignal;
  /** Registers for SIGHUP: read the credential again. Returns a function that unregisters. */
  onReload(listener: () => void): () => void;
  /** Everything on standard input, up to `inputLimit` bytes. */
  readInput(): Promise<string>;
  /** To standard output, as it is. */
  print(text: string): void;
  /** To the supervisor, where there is one that asks (systemd). */
  tell(news: News): void;
}

export const inputLimit = 64 * 1024;

/** `clockOffsetMs` pretends that this machine's clock is wrong. */
export function realHost(
  log: Log,
  shutdown: AbortSignal,
  { clockOffsetMs = 0, tell = () => {} }: { clockOffsetMs?: number; tell?: Host['tell'] } = {},
): Host {
  return {
    now: steadyClock({
      wall: () => Date.now() + clockOffsetMs,
      monotonic: () => performance.now(),
      uptime: () => uptime() * 1000,
    }),
    monotonic: () => performance.now(),
    random: drawingAhead(randomFillSync),
    log,
    shutdown,
    onReload(listener) {
      process.on('SIGHUP', listener);
      return () => void process.off('SIGHUP', listener);
    },
    readInput,
    print: (text) => void process.stdout.write(text),
    tell,
  };
}

async function readInput(): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > inputLimit) throw new RangeError(`standard input is longer than ${inputLimit} bytes`);
  }
  return Buffer.concat(chunks).toString('utf8');
}
