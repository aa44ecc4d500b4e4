/**
 * The time of day without its jumps. A machine whose clock was wrong at boot is set right in mid-run; an
 * agent that has learnt its difference from the Controller by then would be wrong by as much. So a step of
 * the clock is taken out again, while a suspension, which also looks like one, is real time and stays.
 */

export interface Clocks {
  /** Time of day, milliseconds since the epoch. */
  wall(): number;
  /** Milliseconds; steps never move it, and it stands still while the machine is suspended. */
  monotonic(): number;
  /** Milliseconds since boot, suspension included. Dear to read: only asked when the other two disagree. */
  uptime(): number;
}

const insignificantMs = 1_000;

/** @returns milliseconds since the epoch, wrong by what the clock was wrong by at first and no more. */
export function steadyClock({ wall, monotonic, uptime }: Clocks): () => number {
  let apart = wall() - monotonic();
  let bootedAt = wall() - uptime();
  let correction = 0;
  return () => {
    const now = wall();
    if (Math.abs(now - monotonic() - apart) > insignificantMs) {
      apart = now - monotonic();
      const step = now - uptime() - bootedAt;
      if (Math.abs(step) > insignificantMs) {
        bootedAt += step;
        correction -= step;
      }
    }
    return now + correction;
  };
}
