/**
 * When a Client asks one Connector for a direct path, and when it lets go of one. A path is wanted by those
 * who use it: the first flow asks, an idle Client neither tells its addresses nor keeps a second connection.
 * What fails is tried again ever more rarely, since most of what stands between two networks stands there
 * for long. Time and chance come in as arguments; `client/direct-path.ts` does what this says.
 *
 *   resting ── wanted, and due ──▶ trying ── up ──▶ up ── lost ──▶ resting
 *      ▲                             │              └── unused ──▶ resting
 *      └────────── failed ───────────┘
 */
import type { ErrorCode } from '#schema/errors.ts';

export const upkeepTimes = {
  /** After the last flow was opened. */
  wantedMs: 10 * 60_000,
  /** Between attempts that fail: at first, and at most, after doubling. */
  firstRestMs: 5_000,
  mostRestMs: 15 * 60_000,
  /** After a path was lost that had held for `soundMs`; one that had not counts as a failure. */
  lostRestMs: 1_000,
  soundMs: 30_000,
} as const;

/** The other side will not, whatever the network allows. */
const unwilling: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['path_unavailable', 'version_unsupported']);

export type PathState = 'resting' | 'trying' | 'up';

export class Upkeep {
  #state: PathState = 'resting';
  #wantedUntilMs = Number.NEGATIVE_INFINITY;
  #dueMs = Number.NEGATIVE_INFINITY;
  #restMs: number = upkeepTimes.firstRestMs;
  #upSinceMs = 0;

  get state(): PathState {
    return this.#state;
  }

  /** A flow goes to this Connector. */
  wanted(nowMs: number): void {
    this.#wantedUntilMs = nowMs + upkeepTimes.wantedMs;
  }

  /** When `next` may say something else; Infinity: not before anything happens. */
  get wakeMs(): number {
    if (this.#state === 'trying' || this.#wantedUntilMs === Number.NEGATIVE_INFINITY)
      return Number.POSITIVE_INFINITY;
    return this.#state === 'up' ? this.#wantedUntilMs : this.#dueMs;
  }

  /**
   * What is to be done now: `try` once, and then say how it went.
   * @param flows that the path carries.
   */
  next(nowMs: number, flows = 0): 'try' | 'let go' | undefined {
    const wanted = nowMs < this.#wantedUntilMs;
    if (this.#state === 'up' && !wanted && flows > 0) this.wanted(nowMs);
    else if (this.#state === 'up' && !wanted) {
      this.#state = 'resting';
      this.#forget(nowMs);
      return 'let go';
    }
    if (this.#state !== 'resting' || nowMs < this.#dueMs) return undefined;
    if (!wanted) {
      this.#forget(nowMs);
      return undefined;
    }
    this.#state = 'trying';
    return 'try';
  }

  succeeded(nowMs: number): void {
    this.#state = 'up';
    this.#upSinceMs = nowMs;
  }

  /** @param roll in [0, 1). */
  failed(code: ErrorCode, nowMs: number, roll: number): void {
    this.#state = 'resting';
    if (unwilling.has(code)) this.#restMs = upkeepTimes.mostRestMs;
    this.#dueMs = nowMs + this.#restMs * (0.5 + roll / 2);
    this.#restMs = Math.min(2 * this.#restMs, upkeepTimes.mostRestMs);
  }

  /** @param roll in [0, 1). */
  lost(nowMs: number, roll: number): void {
    if (nowMs - this.#upSinceMs < upkeepTimes.soundMs) return this.failed('peer_gone', nowMs, roll);
    this.#state = 'resting';
    this.#restMs = upkeepTimes.firstRestMs;
    this.#dueMs = nowMs + upkeepTimes.lostRestMs * (0.5 + roll);
  }

  /** The network is another one, perhaps: what failed before may work now. */
  hurry(nowMs: number): void {
    this.#restMs = upkeepTimes.firstRestMs;
    if (this.#state === 'resting') this.#dueMs = Math.min(this.#dueMs, nowMs + upkeepTimes.lostRestMs);
  }

  #forget(nowMs: number): void {
    this.#wantedUntilMs = Number.NEGATIVE_INFINITY;
    this.#dueMs = Math.max(this.#dueMs, nowMs);
  }
}
