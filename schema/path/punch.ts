/**
 * When to try which of a peer's candidates: both ends dial each other from one port at the same time, so that
 * each opens its own NAT or firewall for the other, and the SYNs meet (simultaneous open, RFC 9293 §3.5;
 * RFC 5382 REQ-2 asks NATs to let it pass). What becomes of a SYN that comes too early differs: most drop it,
 * then the attempt waits; some answer RST, then only a next attempt can help, and soon. Time and chance come
 * in as arguments; `link/path/punch.ts` has the sockets.
 *
 *   waiting ── begin ──▶ under way ── connected ──▶ held, until the peer has proved who it is
 *      ▲                   │  │                       │
 *      ├──── refused ──────┘  │                       │
 *      ├──── no answer ───────┘ with twice the patience
 *      └──── broken ──────────────────────────────────┘ the other end had given up a moment before
 */
import type { Candidate } from './candidates.ts';

export const punchTimes = {
  /** From the first attempt to the last. */
  wholeMs: 6_000,
  /** Before a SYN without an answer is given up: at first, and at most, after doubling. */
  patienceMs: 300,
  mostPatienceMs: 2_400,
  /** Of one candidate, and of all together: no peer can have more SYNs sent to somebody (RFC 8445 §19.5.1). */
  attempts: 160,
  attemptsInAll: 400,
  /** A place that this host holds already is looked at again after this. */
  takenMs: 100,
  /** How long a deaf attempt lasts, and how long after it the next one may be. */
  deafMs: 300,
  hearingMs: 500,
} as const;

interface Line {
  readonly target: Candidate;
  beginMs: number;
  /** Undefined while it waits. */
  endMs: number | undefined;
  patienceMs: number;
  attempts: number;
  out: boolean;
  /** The present attempt; from when on there may be another such one. */
  deaf: boolean;
  deafFromMs: number;
}

export interface Due {
  begin: Candidate[];
  /** These first: their sockets go, and most begin anew at once. */
  giveUp: Candidate[];
}

export class Punch {
  readonly #lines: Map<Candidate, Line>;
  readonly #endMs: number;
  #attempts = 0;

  /** @param deaf some attempts are not to end by a RST. */
  constructor(targets: readonly Candidate[], nowMs: number, deaf = false) {
    this.#endMs = nowMs + punchTimes.wholeMs;
    this.#lines = new Map(
      targets.map((target) => [
        target,
        {
          ...{ target, beginMs: nowMs, endMs: undefined, attempts: 0, out: false },
          ...{ patienceMs: punchTimes.patienceMs, deaf: false },
          deafFromMs: deaf ? nowMs : Number.POSITIVE_INFINITY,
        },
      ]),
    );
  }

  /** What is to be done now. Ask again at `wakeMs`. */
  due(nowMs: number): Due {
    const due: Due = { begin: [], giveUp: [] };
    for (const line of this.#lines.values()) {
      if (line.out) continue;
      if (line.endMs !== undefined && nowMs >= line.endMs) {
        due.giveUp.push(line.target);
        if (!line.deaf) line.patienceMs = Math.min(2 * line.patienceMs, punchTimes.mostPatienceMs);
        this.#wait(line, nowMs);
      }
      if (line.endMs === undefined && nowMs >= line.beginMs && !this.isOver(nowMs)) {
        due.begin.push(line.target);
        line.attempts++;
        this.#attempts++;
        line.deaf = nowMs >= line.deafFromMs;
        if (line.deaf) line.deafFromMs = nowMs + punchTimes.deafMs + punchTimes.hearingMs;
        line.endMs = Math.min(nowMs + (line.deaf ? punchTimes.deafMs : line.patienceMs), this.#endMs);
      }
    }
    return due;
  }

  /** Of the attempt that has just begun. */
  isDeaf(target: Candidate): boolean {
    return this.#lines.get(target)?.deaf === true;
  }

  /** When `due` has something next; Infinity: never again. */
  get wakeMs(): number {
    const times = [...this.#lines.values()].flatMap(({ out, endMs, beginMs }) =>
      out ? [] : (endMs ?? beginMs),
    );
    return Math.min(...times, Number.POSITIVE_INFINITY);
  }

  /** Nothing new begins. */
  isOver(nowMs: number): boolean {
    if (nowMs >= this.#endMs || this.#attempts >= punchTimes.attemptsInAll) return true;
    return [...this.#lines.values()].every(({ out }) => out);
  }

  /** The connection is there: nothing more for now. */
  connected(target: Candidate): void {
    const line = this.#lines.get(target);
    if (line && !line.out) line.endMs = Number.POSITIVE_INFINITY;
  }

  /**
   * By a RST, before it was there or right after: once more, with ever longer pauses.
   * @param roll in [0, 1): two that keep step would miss each other for ever.
   */
  refused(target: Candidate, nowMs: number, roll: number): void {
    const line = this.#lines.get(target);
    if (!line || line.out) return;
    this.#wait(line, nowMs + 1 + roll * (4 + line.attempts ** 2 / 200));
  }

  /** This host has a connection to it already, or is about to. */
  taken(target: Candidate, nowMs: number): void {
    const line = this.#lines.get(target);
    if (line && !line.out) this.#wait(line, nowMs + punchTimes.takenMs);
  }

  /** There is no way there: it is not tried again. */
  drop(target: Candidate): void {
    const line = this.#lines.get(target);
    if (line) line.out = true;
  }

  #wait(line: Line, untilMs: number): void {
    line.endMs = undefined;
    line.beginMs = untilMs;
    if (line.attempts >= punchTimes.attempts || untilMs >= this.#endMs) line.out = true;
  }
}
