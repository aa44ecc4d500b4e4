/**
 * The two things that wait in front of a tunnel's socket: encoded control frames, which go first, and streams
 * with something to send, which take turns. Both are filled and emptied by `mux.ts`.
 */
import type { MuxStream } from './stream.ts';

/** Encoded frames as one run of bytes, which may be taken in any division. */
export class ControlQueue {
  #bytes: Uint8Array = new Uint8Array(512);
  #from = 0;
  #to = 0;

  get length(): number {
    return this.#to - this.#from;
  }

  push(frame: Uint8Array): void {
    if (this.#to + frame.length > this.#bytes.length) this.#makeRoom(frame.length);
    this.#bytes.set(frame, this.#to);
    this.#to += frame.length;
  }

  /** @returns the offset behind what was copied. */
  take(into: Uint8Array, at: number): number {
    const count = Math.min(this.length, into.length - at);
    into.set(this.#bytes.subarray(this.#from, this.#from + count), at);
    this.#from += count;
    if (this.#from === this.#to) {
      this.#from = 0;
      this.#to = 0;
      // A HELLO may be megabytes: do not keep them.
      if (this.#bytes.length > 64 * 1024) this.#bytes = new Uint8Array(512);
    }
    return at + count;
  }

  #makeRoom(more: number): void {
    const kept = this.#bytes.subarray(this.#from, this.#to);
    const needed = kept.length + more;
    const larger =
      needed <= this.#bytes.length ? this.#bytes : new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    larger.set(kept);
    this.#from = 0;
    this.#to = kept.length;
    this.#bytes = larger;
  }
}

/**
 * Streams that can send, in turn. Those that did not send lately come before those that did, so that a small
 * request overtakes bulk (the idea of FQ-CoDel, RFC 8290 §4.1).
 */
export class TurnQueue {
  readonly #quiet: MuxStream[] = [];
  readonly #busy: MuxStream[] = [];
  #quietFrom = 0;
  #busyFrom = 0;

  push(stream: MuxStream, busy: boolean): void {
    if (stream.queued) return;
    stream.queued = true;
    (busy ? this.#busy : this.#quiet).push(stream);
  }

  /** Whether the next one is one of those. */
  get hasQuiet(): boolean {
    return this.#quietFrom < this.#quiet.length;
  }

  shift(): MuxStream | undefined {
    let stream: MuxStream | undefined;
    if (this.hasQuiet) {
      stream = this.#quiet[this.#quietFrom++];
      this.#quietFrom = compact(this.#quiet, this.#quietFrom);
    } else if (this.#busyFrom < this.#busy.length) {
      stream = this.#busy[this.#busyFrom++];
      this.#busyFrom = compact(this.#busy, this.#busyFrom);
    }
    if (stream !== undefined) stream.queued = false;
    return stream;
  }
}

/** Forgets what was taken, now and then rather than each time. */
function compact(list: MuxStream[], from: number): number {
  if (from === list.length) {
    list.length = 0;
    return 0;
  }
  if (from < 1024) return from;
  list.splice(0, from);
  return 0;
}
