/**
 * The simulation's Client: the product's mux with a pattern of bytes to send and to expect back. A rogue one
 * asks for anything, presents any ACL it ever saw, and sends what it has no credit for.
 */
import type { ErrorCode } from '#schema/errors.ts';
import { encodeFrame } from '#schema/tunnel/encode.ts';
import { initialCredit } from '#schema/tunnel/frames.ts';
import { Mux } from '#schema/tunnel/mux.ts';
import type { SeededRandom } from '../fuzz/random.ts';
import { silent } from './connector.ts';

export interface Outcome {
  bytesBack: number;
  /** Null: all came back. */
  code: ErrorCode | null;
}

export class ModelClient {
  readonly name: string;
  readonly mux: Mux;
  readonly #now: () => number;
  #count = 0;

  constructor(name: string, now: () => number, ready: () => void) {
    this.name = name;
    this.#now = now;
    this.mux = new Mux({
      role: 'client',
      nowMs: now(),
      handler: {
        onReady: ready,
        onHello() {},
        onWelcome() {},
        onAcl() {},
        onGoAway() {},
        onOpen: () => silent,
      },
    });
  }

  hello(acl: string): void {
    this.mux.hello({ connectionToken: 'model', acl });
  }

  /** Sends `length` bytes of a pattern and checks that each comes back in its place. */
  flow(host: string, port: number, length: number, ended: (outcome: Outcome) => void): void {
    const seed = this.#count++;
    const id = `cnx_${String(seed).padStart(26, '0')}`;
    let back = 0;
    const done = (code: ErrorCode | null) => ended({ bytesBack: back, code });
    const opened = this.mux.open(
      { connectionId: id, destination: { protocol: 'tcp', host, port }, clientAddress: '' },
      {
        ...silent,
        onData: (slice) => {
          for (const byte of slice) {
            // A rogue may have mixed its rubbish into its own flows.
            if (byte !== patternAt(seed, back++) && this.name !== 'rogue') {
              throw new Error(`${this.name}: byte ${back - 1} came back wrong`);
            }
          }
          this.mux.consumed(stream, slice.length, this.#now());
          if (back >= length) {
            this.mux.reset(stream, 'cancelled');
            done(null);
          }
        },
        onReset: done,
      },
    );
    if (!opened.ok) return done(opened.code);
    const { stream } = opened;
    this.mux.send(
      stream,
      Uint8Array.from({ length }, (_, i) => patternAt(seed, i)),
    );
  }

  /** What no honest mux would say. */
  rubbish(random: SeededRandom): Uint8Array {
    return random.chance(0.5)
      ? encodeFrame('DATA', 1, new Uint8Array(initialCredit * 3))
      : Uint8Array.from({ length: 64 }, () => random.int(256));
  }
}

const patternAt = (seed: number, i: number): number => (i * 31 + seed * 17 + (i >>> 8)) & 255;
