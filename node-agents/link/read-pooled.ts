/**
 * Reads a program's or destination's socket for a flow: at rest all sockets share one buffer, out of which
 * little is copied; one that carries bulk reads into blocks of a pool, which go back once their bytes are on
 * their way. So 500 idle flows hold nothing. Built on `read-in-place.ts`, used by `tunnel/splice.ts`.
 */
import type { Socket } from 'node:net';
import { Blocks } from './blocks.ts';
import { readInPlace } from './read-in-place.ts';
import { longestSegment } from './segment.ts';

/** A shorter chunk is copied rather than hold a block; a longer one lets the next be read into a block. */
const worthABlock = 16 * 1024;
/** What every socket at rest reads into: nobody may keep a part of it. */
const shared = Buffer.allocUnsafeSlow(longestSegment);

/** @param release to be called once nobody reads the chunk any more; never is safe, too early is not. */
export type OnPooled = (chunk: Buffer, release: () => void) => void;

export function readPooled(socket: Socket, onChunk: OnPooled): void {
  const blocks = new Blocks(socket);
  /** What this socket reads into; undefined: `shared`. */
  let own: Buffer | undefined;
  readInPlace(
    socket,
    () => own ?? shared,
    (chunk, inPlace) => {
      if (!inPlace) return onChunk(chunk, nothing);
      const block = own;
      blocks.used(chunk.length);
      own = chunk.length < worthABlock ? undefined : blocks.take();
      if (own === undefined) {
        if (block !== undefined) blocks.give(block);
        return onChunk(Buffer.from(chunk), nothing);
      }
      if (block !== undefined) return onChunk(chunk, () => blocks.give(block));
      const copy = blocks.take();
      chunk.copy(copy);
      onChunk(copy.subarray(0, chunk.length), () => blocks.give(copy));
    },
  );
  // Its handle is closed: nothing is read into it any more.
  socket.once('close', () => {
    if (own !== undefined) blocks.give(own);
    own = undefined;
  });
}

const nothing = (): void => {};
