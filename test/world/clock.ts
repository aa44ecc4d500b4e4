/**
 * The clocks of one process, as a machine's that is set or paused: libfaketime (Debian's package of that name)
 * stands between the process and its C library.
 */
import { globSync, writeFileSync } from 'node:fs';

const [library] = globSync('/usr/lib/*/faketime/libfaketimeMT.so.1');

export class Clock {
  readonly #file: string;
  readonly #steady: boolean;

  /** Why there can be none here; undefined where there can. */
  static readonly unavailable = library === undefined ? 'libfaketime is not installed' : undefined;

  /**
   * @param file a path for it alone.
   * @param what `time of day`: only that is moved, as somebody sets a clock. `everything`: also the clock that
   *   measures durations, which stands still while a virtual machine is paused.
   */
  constructor(file: string, what: 'time of day' | 'everything') {
    this.#file = file;
    this.#steady = what === 'time of day';
    this.move(0);
  }

  /** In front of the command whose clocks they are. */
  get prefix(): string[] {
    const settings = {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: this.#steady ? '1' : '0',
      NO_FAKE_STAT: '1',
    };
    return ['env', ...Object.entries(settings).map(([name, value]) => `${name}=${value}`)];
  }

  /** @param seconds from the machine's own. */
  move(seconds: number): void {
    writeFileSync(this.#file, `${seconds < 0 ? '' : '+'}${seconds}s\n`);
  }
}
