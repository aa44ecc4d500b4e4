/**
 * Stands before a Controller as the firewall of a site does: passes connections on, and refuses those that begin
 * with a request for a path that is closed here.
 */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

export class Front {
  readonly #server: Server;
  readonly #passed = new Map<Socket, string>();
  #closed: string | undefined;
  #target: URL | undefined;

  private constructor() {
    this.#server = createServer((socket) => this.#take(socket));
  }

  static async start(): Promise<Front> {
    const front = new Front();
    front.#server.listen(0, '127.0.0.1');
    await once(front.#server, 'listening');
    return front;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as { port: number }).port}`;
  }

  /** @param url whose front this is. */
  before(url: string): void {
    this.#target = new URL(url);
  }

  /** What runs below this path is cut, and nothing gets there until `open`. */
  close(path: string): void {
    this.#closed = path;
    for (const [socket, of] of this.#passed) if (of.startsWith(path)) socket.destroy();
  }

  open(): void {
    this.#closed = undefined;
  }

  async stop(): Promise<void> {
    for (const socket of this.#passed.keys()) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #take(socket: Socket): void {
    socket.on('error', () => socket.destroy());
    socket.once('data', (first) => {
      const path = first.toString('latin1').split(' ', 2)[1] ?? '';
      if (!this.#target || (this.#closed !== undefined && path.startsWith(this.#closed)))
        return socket.destroy();
      const onward = connect(Number(this.#target.port), this.#target.hostname);
      onward.on('error', () => socket.destroy());
      onward.on('close', () => socket.destroy());
      socket.on('close', () => {
        this.#passed.delete(socket);
        onward.destroy();
      });
      this.#passed.set(socket, path);
      onward.write(first);
      socket.pipe(onward).pipe(socket);
    });
  }
}
