/**
 * The sending half of a bulk flow, the same in the origin (downloads) and in the generator (uploads): whole
 * blocks for a while, then FIN.
 */
import type { Socket } from 'node:net';
import { block } from './pattern.ts';

/** Resolves once everything has been handed to the kernel and FIN sent; rejects when the flow breaks. */
export function sendFor(socket: Socket, milliseconds: number): Promise<void> {
  const deadline = performance.now() + milliseconds;
  return new Promise((resolve, reject) => {
    const next = (error?: Error | null) => {
      if (error) reject(error);
      else if (performance.now() < deadline) socket.write(block, next);
      else socket.end(resolve);
    };
    socket.once('error', reject);
    socket.write(block);
    socket.write(block, next);
  });
}
