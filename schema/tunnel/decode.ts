/**
 * Reads frames out of a stream of bytes that arrives in any division. DATA is handed on as it arrives, slice
 * by slice and never copied; every other frame is handed on whole. `mux.ts` gives the frames their meaning.
 */
import type { ErrorCode } from '#schema/errors.ts';
import { frameTypes, headerBytes, maxHelloPayload, maxPayload } from './frames.ts';

export interface FrameHandler {
  /**
   * A whole frame other than DATA.
   * @param payload valid during the call only.
   * @returns a code to end the tunnel with.
   */
  onFrame(type: number, stream: number, payload: Uint8Array): ErrorCode | undefined;
  /** A part of a DATA frame, never empty; valid for as long as the chunk is. */
  onData(stream: number, slice: Uint8Array): ErrorCode | undefined;
}

/**
 * header   collecting the 8 bytes
 * gather   collecting a payload that did not come in one piece
 * data     inside a DATA frame
 * skip     inside a frame of an unknown type
 * broken   the peer is not understood any more; nothing is read
 */
type State = 'header' | 'gather' | 'data' | 'skip' | 'broken';

const known = new Set<number>(Object.values(frameTypes));

export class Decoder {
  #state: State = 'header';
  #code: ErrorCode | undefined;
  readonly #header = new Uint8Array(headerBytes);
  #headerFilled = 0;
  #type = 0;
  #stream = 0;
  /** Bytes of the payload that are still to come. */
  #left = 0;
  #gathered: Uint8Array = none;
  #gatheredFilled = 0;

  get state(): State {
    return this.#state;
  }

  /** @returns the code that ends the tunnel; then every later call returns it too. */
  push(chunk: Uint8Array, handler: FrameHandler): ErrorCode | undefined {
    let at = 0;
    const end = chunk.length;
    while (at < end && this.#state !== 'broken') {
      switch (this.#state) {
        case 'header':
          at = this.#readHeader(chunk, at);
          if (this.#headerFilled === 0) at = this.#begin(chunk, at, handler);
          break;
        case 'data': {
          const to = Math.min(end, at + this.#left);
          this.#left -= to - at;
          if (this.#left === 0) this.#state = 'header';
          this.#fail(handler.onData(this.#stream, at === 0 && to === end ? chunk : chunk.subarray(at, to)));
          at = to;
          break;
        }
        case 'gather':
          at = this.#gather(chunk, at, handler);
          break;
        case 'skip': {
          const to = Math.min(end, at + this.#left);
          this.#left -= to - at;
          at = to;
          if (this.#left === 0) this.#state = 'header';
        }
      }
    }
    return this.#code;
  }

  /** Leaves `#headerFilled` at 0 when the header is complete. */
  #readHeader(chunk: Uint8Array, at: number): number {
    if (this.#headerFilled === 0 && chunk.length - at >= headerBytes) {
      this.#parseHeader(chunk, at);
      return at + headerBytes;
    }
    const take = Math.min(headerBytes - this.#headerFilled, chunk.length - at);
    this.#header.set(chunk.subarray(at, at + take), this.#headerFilled);
    this.#headerFilled += take;
    if (this.#headerFilled === headerBytes) {
      this.#headerFilled = 0;
      this.#parseHeader(this.#header, 0);
    }
    return at + take;
  }

  #parseHeader(bytes: Uint8Array, at: number): void {
    this.#type = bytes[at]!;
    this.#left = (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
    this.#stream = readUint32(bytes, at + 4);
  }

  /** A header is complete: decides how its payload is read. */
  #begin(chunk: Uint8Array, at: number, handler: FrameHandler): number {
    const type = this.#type;
    const signed = type === frameTypes.HELLO || type === frameTypes.ACL;
    if (this.#left > (signed ? maxHelloPayload : maxPayload)) {
      this.#fail('frame_too_large');
      return at;
    }
    if (type === frameTypes.DATA) {
      if (this.#left > 0) this.#state = 'data';
      return at;
    }
    if (!known.has(type)) {
      if (this.#left > 0) this.#state = 'skip';
      return at;
    }
    if (chunk.length - at >= this.#left) {
      const to = at + this.#left;
      this.#fail(handler.onFrame(type, this.#stream, chunk.subarray(at, to)));
      return to;
    }
    this.#state = 'gather';
    return at;
  }

  #gather(chunk: Uint8Array, at: number, handler: FrameHandler): number {
    const take = Math.min(this.#left, chunk.length - at);
    this.#makeRoom(take);
    this.#gathered.set(chunk.subarray(at, at + take), this.#gatheredFilled);
    this.#gatheredFilled += take;
    this.#left -= take;
    if (this.#left === 0) {
      const payload = this.#gathered.subarray(0, this.#gatheredFilled);
      this.#gathered = none;
      this.#gatheredFilled = 0;
      this.#state = 'header';
      this.#fail(handler.onFrame(this.#type, this.#stream, payload));
    }
    return at + take;
  }

  /** Grows with what has come, not with what was announced: an announcement costs the peer nothing. */
  #makeRoom(more: number): void {
    const needed = this.#gatheredFilled + more;
    if (needed <= this.#gathered.length) return;
    const larger = new Uint8Array(
      Math.min(Math.max(needed, this.#gathered.length * 2, 512), needed + this.#left),
    );
    larger.set(this.#gathered.subarray(0, this.#gatheredFilled));
    this.#gathered = larger;
  }

  #fail(code: ErrorCode | undefined): void {
    if (code === undefined) return;
    this.#state = 'broken';
    this.#code = code;
    this.#gathered = none;
  }
}

const none = new Uint8Array(0);

export const readUint32 = (bytes: Uint8Array, at: number): number =>
  ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
