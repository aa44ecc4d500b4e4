/**
 * SIGTERM and SIGINT ask for an orderly end, in which flows may finish; a second one ends the process at
 * once. What has registered last, and so depends on the rest, is told first.
 */

type Signal = 'SIGTERM' | 'SIGINT';
const numbers: Record<Signal, number> = { SIGINT: 2, SIGTERM: 15 };

const listeners: ((signal: Signal) => void)[] = [];
let asked = false;

/** @returns unregisters. */
export function onShutdown(listener: (signal: Signal) => void): () => void {
  if (listeners.length === 0) for (const signal of signals) process.on(signal, receive);
  listeners.push(listener);
  return () => {
    const index = listeners.indexOf(listener);
    if (index >= 0) listeners.splice(index, 1);
    if (listeners.length === 0) for (const signal of signals) process.off(signal, receive);
  };
}

const signals: Signal[] = ['SIGTERM', 'SIGINT'];

function receive(signal: Signal): void {
  // 128 + n is what a shell reports for a process that the signal itself ended.
  if (asked) process.exit(128 + numbers[signal]);
  asked = true;
  for (const listener of listeners.toReversed()) listener(signal);
}
