/**
 * One source's datagrams to one destination: waits for its line to open, counts, and ends once. Programs and
 * devices are behind `forward.ts`, `socks5/associate.ts` and the TUN device; `associations.ts` holds them all.
 */
import type { Destination } from '#schema/acl/document.ts';
import type { ErrorCode } from '#schema/errors.ts';
import type { Opening } from '../opening.ts';
import type { Limits } from './limits.ts';
import type { DatagramLine } from './line.ts';

export interface AssociationRequest {
  /** UDP, or ICMP: then each datagram is one echo (`schema/tunnel/frames.ts`). */
  destination: Destination;
  /** Address of the program or device that sends. */
  clientAddress: string;
  /** @param bytes valid during the call only. */
  onDatagram(bytes: Uint8Array): void;
  /**
   * Once, and nothing comes afterwards; a later datagram wants another association.
   * @param code why it was refused or cut, such as `port_denied` or, when the destination said that its port
   * is closed, `connection_refused`; undefined after idleness and after `close`.
   */
  onEnd(code: ErrorCode | undefined): void;
}

/** What associations have in common. */
export interface Shared {
  limits: Limits;
  /** Bytes that wait in all. */
  waitingBytes: number;
  datagramsUp: number;
  datagramsDown: number;
  /** Found no room. */
  dropped: number;
}

/** @param code as `onEnd` is told. @param refused it never was open. */
type Ended = (association: Association, code: ErrorCode | undefined, refused: boolean) => void;

/** The Connector keeps so much of what comes before it has connected. */
const earlyLength = 1_400;

export class Association {
  readonly request: AssociationRequest;
  /** Since the last look of `associations.ts`. */
  used = true;
  /** When it was last seen in use, monotonic milliseconds. */
  usedAtMs = 0;
  readonly #shared: Shared;
  readonly #onEnded: Ended;
  readonly #gone = new AbortController();
  #line: DatagramLine | undefined;
  #early: Uint8Array | undefined;
  /** Whoever opens the line has taken `#early` upon himself. */
  #asked = false;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #ended = false;

  constructor(request: AssociationRequest, shared: Shared, onEnded: Ended) {
    this.request = request;
    this.#shared = shared;
    this.#onEnded = onEnded;
  }

  /** Aborted when it ends before it was open. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /** For `FlowRequest.early`: what the far side may have together with the request to open. */
  early(): Uint8Array | undefined {
    this.#asked = true;
    return this.#early;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /**
   * One datagram.
   * @param bytes not to be changed any more.
   * @returns false when it was dropped.
   */
  send(bytes: Uint8Array): boolean {
    this.used = true;
    const sent = !this.#ended && (this.#line ? this.#line.sendDatagram(bytes) : this.#wait(bytes));
    if (sent) this.#shared.datagramsUp++;
    else this.#shared.dropped++;
    return sent;
  }

  /** It is not wanted any more. */
  close(): void {
    this.#end(undefined);
  }

  /** The answer of `Open`. */
  opened(opening: Opening<DatagramLine>): void {
    if (!opening.ok) return this.#end(opening.code, true);
    const line = opening.stream;
    if (this.#ended) return line.reset('cancelled');
    if (line.destroyed) return this.#end(line.code);
    this.#line = line;
    line.once('close', () => this.#end(line.code));
    line.takeDatagrams((bytes) => {
      if (this.#ended) return;
      this.used = true;
      this.#shared.datagramsDown++;
      this.request.onDatagram(bytes);
    });
    const waiting = this.#release();
    if (!this.#asked && this.#early) waiting.unshift(this.#early);
    this.#early = undefined;
    for (const bytes of waiting) if (!line.sendDatagram(bytes)) this.#shared.dropped++;
  }

  #wait(bytes: Uint8Array): boolean {
    const first = !this.#asked && this.#early === undefined && this.#waiting.length === 0;
    if (first && bytes.length <= earlyLength) {
      this.#early = bytes;
      return true;
    }
    const { limits, waitingBytes } = this.#shared;
    const full = this.#waiting.length > 0 && this.#waitingBytes + bytes.length > limits.waitingBytes;
    if (full || waitingBytes + bytes.length > limits.waitingBytesInAll) return false;
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    this.#shared.waitingBytes += bytes.length;
    return true;
  }

  #release(): Uint8Array[] {
    const waiting = this.#waiting;
    this.#shared.waitingBytes -= this.#waitingBytes;
    this.#waiting = [];
    this.#waitingBytes = 0;
    return waiting;
  }

  #end(why: ErrorCode | undefined, refused = false): void {
    if (this.#ended) return;
    this.#ended = true;
    // An idle end at the Connector is one too.
    const code = why === 'cancelled' || why === 'idle_timeout' ? undefined : why;
    this.#release();
    this.#onEnded(this, code, refused);
    if (this.#line && !this.#line.destroyed) this.#line.reset('cancelled');
    else this.#gone.abort();
    this.request.onEnd(code);
  }
}
