/**
 * Gives memory back when nothing goes on. V8 collects when something new needs room; an agent at rest needs none, and
 * would keep for days what its start or a busy hour has left: a fifth of what it holds. Started by
 * `sallyportd.ts` for agents that stay, and loaded only once they have been up for a while.
 */
import type { Session } from 'node:inspector';

export interface Machine {
  /** The share of the time since the last call in which anything was done, 0–1. */
  busy(): number;
  /** Bytes. */
  memory(): { rss: number; heapUsed: number };
  /** Stops everything else: about 40 ms for the heap of an agent without load. */
  collect(): Promise<void>;
}

/** Between two looks. Whoever did next to nothing from one to the other is at rest. */
const lookMs = 5_000;
const restingBelow = 0.02;
/**
 * After what the start left. Later it takes five minutes of rest: what has been given back has to be fetched again page
 * by page when work goes on, which a moment's pause is not worth.
 */
const looksLater = 60;
/** Not worth a stop: less than this beyond what was left the last time. */
const worthBytes = 8 * 1024 * 1024;
/** A live heap beyond this would take too long, should a flow come just then; it is V8's own business. */
const largestHeap = 64 * 1024 * 1024;

export function collectAtRest(machine: Machine = thisProcess()): NodeJS.Timeout {
  const look = lookForRest(machine);
  return setInterval(() => void look(), lookMs).unref();
}

/** @returns what to do every `lookMs`; resolves to whether it was at rest and has collected. */
export function lookForRest({ busy, memory, collect }: Machine): () => Promise<boolean> {
  let leftBytes = 0;
  let collecting = false;
  let restingLooks = 0;
  return async () => {
    restingLooks = busy() > restingBelow ? 0 : restingLooks + 1;
    if (restingLooks < (leftBytes === 0 ? 1 : looksLater) || collecting) return false;
    const { rss, heapUsed } = memory();
    if (rss < leftBytes + worthBytes || heapUsed > largestHeap) return false;
    collecting = true;
    await collect().finally(() => {
      collecting = false;
    });
    leftBytes = memory().rss;
    return true;
  };
}

export function thisProcess(): Machine {
  let before = performance.eventLoopUtilization();
  return {
    busy() {
      const now = performance.eventLoopUtilization();
      const { utilization } = performance.eventLoopUtilization(now, before);
      before = now;
      return utilization;
    },
    memory: () => process.memoryUsage(),
    collect,
  };
}

/** Referred to by nothing but itself, what collects would be collected too and never answer. */
const collectors = new Set<Session>();

/** By the inspector within the process, which opens nothing to anybody: `gc()` would have to be on the command line. */
async function collect(): Promise<void> {
  const inspector = process.getBuiltinModule('node:inspector');
  const session = new inspector.Session();
  collectors.add(session);
  session.connect();
  await new Promise((resolve) => session.post('HeapProfiler.collectGarbage', resolve));
  session.disconnect();
  collectors.delete(session);
}
