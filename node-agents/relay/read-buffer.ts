/**
 * What one raw stream reads into, over and over: small while it is idle or interactive, large while it
 * carries bulk, since fewer and larger reads cost a third less per byte. There are only so many large ones
 * for all streams together; whoever finds none left goes on with its small one.
 */

const smallBytes = 32 * 1024;
const largeBytes = 256 * 1024;
/** 32 MiB. */
const largeInAll = 128;
/** Full reads in a row after which a stream asks for a large buffer, small ones after which it gives it back. */
const growAfter = 4;
const shrinkAfter = 8;

const spare: Buffer<ArrayBuffer>[] = [];
let lent = 0;

export class ReadBuffer {
  #bytes = Buffer.allocUnsafeSlow(smallBytes);
  #full = 0;
  #slack = 0;
  /** False while what was read last is still being written somewhere: then the buffer must stay as it is. */
  free = true;

  /** To read into next. */
  next(): Buffer {
    if (!this.free) return this.#bytes;
    const isSmall = this.#bytes.length === smallBytes;
    if (isSmall && this.#full >= growAfter) this.#use(borrow());
    else if (!isSmall && this.#slack >= shrinkAfter) this.release();
    return this.#bytes;
  }

  /** The bytes that were read. */
  take(length: number): Buffer {
    this.#full = length === this.#bytes.length ? this.#full + 1 : 0;
    this.#slack = length <= smallBytes / 2 ? this.#slack + 1 : 0;
    return length === this.#bytes.length ? this.#bytes : this.#bytes.subarray(0, length);
  }

  /** Gives a large buffer back. One that is still being written from is left to the garbage collector. */
  release(): void {
    if (this.#bytes.length === smallBytes) return;
    lent--;
    if (this.free) spare.push(this.#bytes);
    this.#use(Buffer.allocUnsafeSlow(smallBytes));
  }

  #use(bytes: Buffer<ArrayBuffer> | null): void {
    this.#bytes = bytes ?? this.#bytes;
    this.#full = 0;
    this.#slack = 0;
  }
}

function borrow(): Buffer<ArrayBuffer> | null {
  if (lent >= largeInAll) return null;
  lent++;
  return spare.pop() ?? Buffer.allocUnsafeSlow(largeBytes);
}
