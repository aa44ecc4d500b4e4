/** The browser's clock: read here alone. Relative times on a page move on together, once in ten seconds. */
import { useSyncExternalStore } from 'react';

const stepMs = 10_000;
let current = Date.now();
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

export const now = (): number => Date.now();

/** Milliseconds since the epoch, in steps of ten seconds. */
export const useNow = (): number => useSyncExternalStore(subscribe, () => current);

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  if (timer === undefined) {
    // Nobody looked for a while: it stood still.
    current = Date.now();
    timer = setInterval(() => {
      current = Date.now();
      for (const one of listeners) one();
    }, stepMs);
  }
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}
