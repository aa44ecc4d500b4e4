/**
 * Kept-alive connections to HTTP destinations: node:http's Agent over flows. Only requests of one client
 * address to one destination share a connection, because the flow behind it carries that address, and
 * connection-bound logins (NTLM, Negotiate) keep one of their own (`lane`).
 */
import type { AgentOptions, ClientRequest, ClientRequestArgs } from 'node:http';
import type { Duplex } from 'node:stream';
import { Agent } from '#node-agents/process/http.ts';
import type { TcpDestination } from '../destination.ts';
import type { IsCurrent, Open, Opening } from '../opening.ts';

/** What `forward.ts` passes through `http.request` to the pool. */
export interface PooledRequest extends ClientRequestArgs {
  destination: TcpDestination;
  clientAddress: string;
  /** Aborted when the program has gone. (`signal` would be node:http's own, which also ends pooled connections.) */
  gone: AbortSignal;
  /** Empty, or the name of the one program connection that may use it. */
  lane: string;
}

/** Why no connection came about: `http.request` emits it as its error. */
export class RefusedOpening extends Error {
  readonly refusal: Extract<Opening, { ok: false }>;
  constructor(refusal: Extract<Opening, { ok: false }>) {
    super(refusal.code);
    this.refusal = refusal;
  }
}

/** Below the 5 seconds after which many servers close: a race that a proxy cannot win. */
const idleMs = 4_000;
/** For the destination to close its side. */
const lingerMs = 2_000;

export class FlowAgent extends Agent {
  readonly #open: Open;
  readonly #idle = new WeakMap<Duplex, NodeJS.Timeout>();
  readonly #isCurrent = new WeakMap<Duplex, IsCurrent>();

  constructor(open: Open) {
    super({ keepAlive: true, maxFreeSockets: 64, maxTotalSockets: 8192, scheduling: 'lifo' } as AgentOptions);
    this.#open = open;
  }

  override getName(options?: ClientRequestArgs): string {
    const { destination, clientAddress, lane } = options as PooledRequest;
    return `${clientAddress} ${destination.host} ${destination.port} ${lane}`;
  }

  override createConnection(
    options: ClientRequestArgs,
    done: (error: Error | null, stream: Duplex) => void,
  ): undefined {
    const { destination, clientAddress, gone } = options as PooledRequest;
    this.#open({ destination, clientAddress, signal: gone }).then((opening) => {
      if (!opening.ok) return done(new RefusedOpening(opening), undefined as never);
      const { stream, isCurrent } = opening;
      if (isCurrent) this.#isCurrent.set(stream, isCurrent);
      done(null, asSocket(stream));
    });
  }

  override keepSocketAlive(stream: Duplex): boolean {
    // @types/node says void; it is whether to keep it, judged by the destination's own Keep-Alive.
    const wanted = super.keepSocketAlive(stream) as unknown as boolean;
    if (!wanted || stream.destroyed || stream.readableEnded) return false;
    // A better path is there, or this one takes no new flows: the next request opens its own.
    if (this.#isCurrent.get(stream)?.() === false) return false;
    this.#idle.set(stream, setTimeout(() => retire(stream), idleMs).unref());
    return true;
  }

  override reuseSocket(stream: Duplex, request: ClientRequest): void {
    clearTimeout(this.#idle.get(stream));
    super.reuseSocket(stream, request);
  }
}

/** Out of the pool first, then an orderly end: a flow that was merely idle is no failure. */
function retire(stream: Duplex): void {
  stream.emit('agentRemove');
  stream.on('error', () => {}).resume();
  stream.end();
  setTimeout(() => stream.destroy(), lingerMs).unref();
}

/** The Agent calls these on what it keeps; a flow has none of them, and needs none. */
function asSocket(stream: Duplex): Duplex {
  const quiet = {
    setKeepAlive: () => stream,
    setTimeout: () => stream,
    ref: () => stream,
    unref: () => stream,
  };
  return 'setKeepAlive' in stream ? stream : Object.assign(stream, quiet);
}
