/**
 * Reads a socket into one buffer that is used again and again, as `onread` of `net.connect` does. Node offers
 * that only where it makes the connection itself, not for TLS on a socket that exists; so this sets the same
 * fields. It spares a buffer for each TLS record: a fifth of a tunnel's processor time. Where Node has no such
 * fields any more, plain 'data' events take over. Used by `tunnel/carrier.ts`.
 */
import type { Socket } from 'node:net';

/**
 * @param bufferBytes size of the buffer; a chunk is never longer.
 * @param onChunk returns whether it keeps the chunk or parts of it: then the next one gets another buffer.
 */
export function readInPlace(socket: Socket, bufferBytes: number, onChunk: (chunk: Buffer) => boolean): void {
  const fields = fieldsOf(socket);
  if (fields === undefined) {
    socket.on('data', onChunk);
    return;
  }
  // What came before is in the Readable.
  for (let chunk: Buffer | null = socket.read(); chunk !== null; chunk = socket.read()) onChunk(chunk);
  let kept = false;
  const first = Buffer.allocUnsafeSlow(bufferBytes);
  const inner = socket as unknown as Record<symbol, unknown>;
  inner[fields.buffer] = first;
  inner[fields.callback] = (length: number, buffer: Buffer): boolean => {
    kept = onChunk(buffer.subarray(0, length));
    return true;
  };
  inner[fields.next] = (): Buffer | undefined => (kept ? Buffer.allocUnsafeSlow(bufferBytes) : undefined);
  fields.use(first);
  socket.resume();
}

interface Handle {
  useUserBuffer?(buffer: Uint8Array): void;
}

function fieldsOf(socket: Socket) {
  const handle = (socket as unknown as { _handle?: Handle | null })._handle;
  const named = new Map(Object.getOwnPropertySymbols(socket).map((symbol) => [symbol.description, symbol]));
  const [buffer, callback, next] = ['kBuffer', 'kBufferCb', 'kBufferGen'].map((name) => named.get(name));
  if (!buffer || !callback || !next || typeof handle?.useUserBuffer !== 'function') return undefined;
  return { buffer, callback, next, use: (bytes: Uint8Array) => handle.useUserBuffer?.(bytes) };
}
