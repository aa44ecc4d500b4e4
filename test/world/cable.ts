/**
 * A cable that a test can pull: forwards TCP to a port and, when told to, resets the connections whose first
 * bytes match. Stands between agents and a relay, where a network would be.
 */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

export class Cable {
  /** Set once whoever is behind it listens. */
  target = 0;
  readonly #server: Server;
  readonly #carried = new Map<Socket, string>();

  private constructor(server: Server) {
    this.#server = server;
    server.on('connection', (near) => this.#carry(near));
  }

  static async start(): Promise<Cable> {
    const server = createServer({ noDelay: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Cable(server);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as { port: number }).port}`;
  }

  /** @returns how many were cut. */
  pull(matching: RegExp): number {
    let cut = 0;
    for (const [near, first] of this.#carried) {
      if (!matching.test(first)) continue;
      near.resetAndDestroy();
      cut++;
    }
    return cut;
  }

  stop(): void {
    this.#server.close();
    for (const near of this.#carried.keys()) near.destroy();
  }

  #carry(near: Socket): void {
    const far = connect({ port: this.target, host: '127.0.0.1', noDelay: true });
    this.#carried.set(near, '');
    near.once('data', (chunk: Buffer) => this.#carried.set(near, chunk.toString('latin1', 0, 100)));
    near.on('close', () => this.#carried.delete(near));
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.on('error', () => {});
      one.on('close', () => other.destroy());
      one.pipe(other);
    }
  }
}
