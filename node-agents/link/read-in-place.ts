/**
 * Reads a socket into buffers of ours, as `onread` of `net.connect` does. Node offers that only where it
 * makes the connection itself, not for TLS on a socket that exists nor for one that was accepted; so this sets
 * the same fields. It spares a buffer for each read: a fifth of a tunnel's processor time. Where Node has no
 * such fields any more, plain 'data' events take over. Used by `tunnel/carrier.ts` and `read-pooled.ts`.
 */
import type { Socket } from 'node:net';

/**
 * @param next what to read into; asked at once and after each chunk. May be the same as before.
 * @param onChunk a part of what `next` gave last, unless `inPlace` is false: then it is a buffer of its own.
 */
export function readInPlace(
  socket: Socket,
  next: () => Buffer,
  onChunk: (chunk: Buffer, inPlace: boolean) => void,
): void {
  const fields = fieldsOf(socket);
  if (fields === undefined) {
    socket.on('data', (chunk: Buffer) => onChunk(chunk, false));
    return;
  }
  // What came before is in the Readable.
  for (let chunk: Buffer | null = socket.read(); chunk !== null; chunk = socket.read()) onChunk(chunk, false);
  const first = next();
  const inner = socket as unknown as Record<symbol, unknown>;
  inner[fields.buffer] = first;
  inner[fields.callback] = (length: number, buffer: Buffer): boolean => {
    onChunk(buffer.subarray(0, length), true);
    return true;
  };
  inner[fields.next] = next;
  fields.handle.useUserBuffer?.(first);
  socket.resume();
}

interface Handle {
  useUserBuffer?(buffer: Uint8Array): void;
}

interface Fields {
  buffer: symbol;
  callback: symbol;
  next: symbol;
}

/** Node's own symbols: the same for every socket, so they are looked for once. */
let known: Fields | undefined;

function fieldsOf(socket: Socket): (Fields & { handle: Handle }) | undefined {
  const handle = (socket as unknown as { _handle?: Handle | null })._handle;
  if (typeof handle?.useUserBuffer !== 'function') return undefined;
  if (known === undefined || !(known.buffer in socket)) known = lookFor(socket);
  return known && { ...known, handle };
}

function lookFor(socket: Socket): Fields | undefined {
  const named = new Map(Object.getOwnPropertySymbols(socket).map((symbol) => [symbol.description, symbol]));
  const [buffer, callback, next] = ['kBuffer', 'kBufferCb', 'kBufferGen'].map((name) => named.get(name));
  return buffer && callback && next && { buffer, callback, next };
}
