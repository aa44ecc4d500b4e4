/**
 * Keeps the host as `transparent.ts` has set it up: rules, routes and the device as soon as the kernel tells that
 * something of them was taken away, and what is closed for names (`name-guard.ts`) by a look now and then.
 */
import type { Routes } from '#node-agents/os/routes.ts';
import { watchRoutes } from '#node-agents/os/watch-routes.ts';
import type { Log } from '#node-agents/process/log.ts';
import type { NameGuard } from './name-guard.ts';

export interface UpkeepOptions {
  device: string;
  routes: Pick<Routes, 'repair'>;
  guard: Pick<NameGuard, 'repair'>;
  /** Milliseconds. */
  monotonic(): number;
  log: Log;
}

/** What is removed in one go is looked at once. */
const gatherMs = 100;
/** Somebody who always takes away again is not met more often. */
const restMs = 1_000;

/** @returns ends it. */
export function keepUp({ device, routes, guard, monotonic, log }: UpkeepOptions): () => void {
  let ended = false;
  let waiting: NodeJS.Timeout | undefined;
  let notBefore = 0;
  const look = async (): Promise<void> => {
    notBefore = monotonic() + restMs;
    try {
      const repaired = await routes.repair();
      waiting = undefined;
      if (repaired.length > 0 && !ended) log.warn('routes_repaired', { repaired });
    } catch (error) {
      waiting = undefined;
      if (!ended) log.debug('routes_not_repaired', { error });
    }
  };
  const onRemoved = (): void => {
    if (ended) return;
    waiting ??= setTimeout(() => void look(), Math.max(gatherMs, notBefore - monotonic())).unref();
  };
  let unwatch = () => {};
  try {
    unwatch = watchRoutes(device, onRemoved);
  } catch (error) {
    log.warn('routes_not_watched', { error });
  }
  const timer = setInterval(() => guard.repair(), restMs).unref();
  return () => {
    ended = true;
    clearTimeout(waiting);
    clearInterval(timer);
    unwatch();
  };
}
