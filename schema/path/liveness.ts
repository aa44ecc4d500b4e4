/**
 * Whether the far end of a path still answers. While nothing is at work a path is kept alive cheaply, by a
 * PING now and then; once flows have sent or received something, an answer to it, or to a PING, is due soon.
 * What does not come in time casts doubt on the path, so that new flows take another, and ends it when it
 * stays away. Pure: `node-agents/link/tunnel/carrier.ts` tells it what happens and when, and asks what to do.
 */

export interface LivenessTiming {
  /** Flows were at work, and nothing has come for so long since: PING. */
  patienceMs: number;
  /** A PING is without answer, or anything else, for so long: the path is in doubt. */
  doubtMs: number;
  /** The same where nothing was at work: nobody waits, and a network may take a breath. */
  idleDoubtMs: number;
  /** Flows were at work, and a PING is unanswered for so long: over. */
  goneMs: number;
  /** Quiet for so long is broken by a PING. */
  keepAliveMs: number;
  /** Silence for so long is the end, whether anything was at work or not. */
  silenceMs: number;
}

export const livenessTiming: LivenessTiming = {
  patienceMs: 1_000,
  doubtMs: 500,
  idleDoubtMs: 2_000,
  goneMs: 10_000,
  keepAliveMs: 10_000,
  silenceMs: 25_000,
};

/** Whoever looks so much later than due was asleep (stopped, suspended): what came meanwhile is still unread. */
const asleepMs = 250;

export type Step = 'nothing' | 'ping' | 'close';

export class Liveness {
  readonly #timing: LivenessTiming;
  #heardAt: number;
  /** The first work since anything was heard. */
  #workedAt: number | undefined;
  /** The first PING since anything was heard. */
  #pingedAt: number | undefined;
  /** Somebody waits for the answer to it. */
  #pressed = false;
  /** When what was written last made room for more: a slow reader is not a silent one. */
  #movedAt = Number.NEGATIVE_INFINITY;
  #doubted = false;

  constructor(nowMs: number, timing: LivenessTiming = livenessTiming) {
    this.#timing = timing;
    this.#heardAt = nowMs;
  }

  get doubted(): boolean {
    return this.#doubted;
  }

  /** Since when a PING is unanswered; undefined while none is. */
  get pingedAt(): number | undefined {
    return this.#pingedAt;
  }

  /** Flows did something, and nothing has come since. */
  get atWork(): boolean {
    return this.#workedAt !== undefined;
  }

  /** Anything has come. */
  heard(nowMs: number): void {
    this.#heardAt = nowMs;
    this.#workedAt = undefined;
    this.#pingedAt = undefined;
    this.#pressed = false;
    this.#doubted = false;
  }

  /** Something of a flow has left or come. */
  worked(nowMs: number): void {
    this.#workedAt ??= nowMs;
  }

  /** The network has taken what was written. */
  moved(nowMs: number): void {
    this.#movedAt = nowMs;
  }

  /** Somebody wants to know now. @returns whether a PING is to be sent. */
  press(nowMs: number): boolean {
    this.#pressed = true;
    if (this.#pingedAt !== undefined) return false;
    this.#pingedAt = nowMs;
    return true;
  }

  /**
   * To be called at `dueAt`.
   * @param dueMs when this was to be called.
   * @returns `ping`: send one. `close`: nobody is there any more.
   */
  look(nowMs: number, dueMs: number): Step {
    if (nowMs - dueMs > asleepMs) this.#wake(nowMs);
    const { goneMs, silenceMs } = this.#timing;
    if (this.#pingedAt === undefined) {
      if (nowMs < this.#pingDue) return 'nothing';
      this.#pingedAt = nowMs;
      return 'ping';
    }
    this.#doubted ||= nowMs >= this.#doubtDue;
    const quietSince = Math.max(this.#pingedAt, this.#movedAt);
    if (this.atWork && nowMs - quietSince >= goneMs) return 'close';
    return nowMs - Math.max(this.#heardAt, this.#movedAt) >= silenceMs ? 'close' : 'nothing';
  }

  /** When to look next, as things stand: earlier after `worked` and `press`. */
  get dueAt(): number {
    if (this.#pingedAt === undefined) return this.#pingDue;
    if (!this.#doubted) return this.#doubtDue;
    const { goneMs, silenceMs } = this.#timing;
    const end = Math.max(this.#heardAt, this.#movedAt) + silenceMs;
    return this.atWork ? Math.min(end, Math.max(this.#pingedAt, this.#movedAt) + goneMs) : end;
  }

  get #pingDue(): number {
    const { patienceMs, keepAliveMs } = this.#timing;
    const due = this.#heardAt + keepAliveMs;
    return this.#workedAt === undefined ? due : Math.min(due, this.#workedAt + patienceMs);
  }

  get #doubtDue(): number {
    const { doubtMs, idleDoubtMs } = this.#timing;
    return this.#pingedAt! + (this.#pressed || this.atWork ? doubtMs : idleDoubtMs);
  }

  /** Everything that is due is due anew from now on. */
  #wake(nowMs: number): void {
    this.#heardAt = nowMs;
    if (this.#workedAt !== undefined) this.#workedAt = nowMs;
    if (this.#pingedAt !== undefined) this.#pingedAt = nowMs;
  }
}
