/**
 * Dials a peer's candidates as `schema/path/punch.ts` says, takes in whom a listener lets in, and makes every
 * connection prove whose it is. The first that does wins; the others are closed, unless the peer is the one who
 * chooses. Before it: `gather.ts` on both sides, and their offer and answer.
 */
import type { Socket } from 'node:net';
import { SallyportError } from '#schema/errors.ts';
import { type Candidate, familyOf, targetsOf } from '#schema/path/candidates.ts';
import { Punch } from '#schema/path/punch.ts';
import { fraction, type Random } from '../../process/random.ts';
import type { PathPort } from './port.ts';

export interface PunchOptions<T> {
  ports: readonly PathPort[];
  /** The peer's. */
  candidates: readonly Candidate[];
  /** The peer may come in as well, from the addresses of its candidates. */
  listen: boolean;
  /** Settles when the peer has shown who it is, or has not: then the socket is closed. */
  prove(socket: Socket): Promise<T>;
  /** Connections that are there already when the first is proved are left to `prove`: the peer chooses one. */
  leaveOthers: boolean;
  /** Monotonic milliseconds. */
  now(): number;
  random: Random;
  signal: AbortSignal;
}

/** Whoever comes in is proved; so many at once may be of somebody else behind the peer's NAT. */
const mostGuests = 8;

/** @throws SallyportError path_blocked when nothing got through, cancelled. */
export function punch<T>(o: PunchOptions<T>): Promise<T> {
  return new Promise((resolve, reject) => new Attempt(o, resolve, reject).start());
}

class Attempt<T> {
  readonly #o: PunchOptions<T>;
  readonly #resolve: (proved: T) => void;
  readonly #reject: (error: SallyportError) => void;
  readonly #punch: Punch;
  readonly #portOf: Map<4 | 6, PathPort>;
  /** Dialling, or connected and not yet proved. */
  readonly #dialled = new Map<Candidate, Socket>();
  readonly #proving = new Set<Socket>();
  #timer: NodeJS.Timeout | undefined;
  #over = false;
  /** What became of the attempts, by number: told when all of them were in vain. */
  readonly #tally = { refused: 0, unanswered: 0, taken: 0, unreachable: 0, unproved: 0 };

  constructor(o: PunchOptions<T>, resolve: (proved: T) => void, reject: (error: SallyportError) => void) {
    this.#o = o;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#portOf = new Map(o.ports.map((port) => [port.family, port]));
    this.#punch = new Punch(targetsOf(o.candidates, new Set(this.#portOf.keys())), o.now(), !o.listen);
  }

  start(): void {
    const { signal, listen, ports, candidates } = this.#o;
    if (signal.aborted) return this.#end(new SallyportError('cancelled'));
    signal.addEventListener('abort', this.#onAbort, { once: true });
    const from = candidates.map(({ address }) => address);
    if (listen) for (const port of ports) port.listen(from, (socket) => this.#guest(socket));
    this.#act();
  }

  readonly #onAbort = (): void => this.#end(new SallyportError('cancelled'));

  readonly #act = (): void => {
    clearTimeout(this.#timer);
    if (this.#over) return;
    const now = this.#o.now();
    const { begin, giveUp } = this.#punch.due(now);
    for (const target of giveUp) {
      this.#dialled.get(target)?.destroy();
      this.#tally.unanswered++;
    }
    for (const target of begin) this.#dial(target);
    if (this.#punch.isOver(this.#o.now()) && this.#dialled.size === 0 && this.#proving.size === 0)
      return this.#end(new SallyportError('path_blocked', this.#inVain()));
    const waitMs = Math.max(this.#punch.wakeMs - this.#o.now(), 0);
    if (Number.isFinite(waitMs)) this.#timer = setTimeout(this.#act, Math.ceil(waitMs));
  };

  #dial(target: Candidate): void {
    let socket: Socket;
    try {
      socket = this.#portOf.get(familyOf(target.address)!)!.connect(target, this.#punch.isDeaf(target));
    } catch {
      return this.#punch.drop(target);
    }
    this.#dialled.set(target, socket);
    const settled = (tell: () => void) => {
      if (this.#dialled.get(target) !== socket) return;
      this.#dialled.delete(target);
      tell();
      this.#act();
    };
    const failed = (error: NodeJS.ErrnoException) => settled(() => this.#failed(target, error.code));
    socket.once('error', failed);
    // Given up: another may be dialled at once.
    socket.once('close', () => settled(() => {}));
    socket.once('connect', () => {
      socket.off('error', failed);
      settled(() => {
        this.#punch.connected(target);
        this.#prove(socket, () => this.#punch.refused(target, this.#o.now(), fraction(this.#o.random)));
      });
    });
  }

  #failed(target: Candidate, code: string | undefined): void {
    if (code === 'ECONNREFUSED' || code === 'ECONNRESET') {
      this.#tally.refused++;
      this.#punch.refused(target, this.#o.now(), fraction(this.#o.random));
    } else if (code === 'EADDRNOTAVAIL' || code === 'EADDRINUSE') {
      this.#tally.taken++;
      this.#punch.taken(target, this.#o.now());
    } else {
      this.#tally.unreachable++;
      this.#punch.drop(target);
    }
  }

  #inVain(): string {
    const told = Object.entries(this.#tally).filter(([, count]) => count > 0);
    return `none of the other side’s addresses answers (${told.map(([what, n]) => `${n} ${what}`).join(', ')})`;
  }

  #guest(socket: Socket): void {
    if (this.#over || this.#proving.size >= mostGuests) return void socket.destroy();
    this.#prove(socket, () => {});
  }

  #prove(socket: Socket, otherwise: () => void): void {
    socket.on('error', () => {});
    this.#proving.add(socket);
    this.#o.prove(socket).then(
      (proved) => {
        this.#proving.delete(socket);
        if (!this.#over) this.#win(proved);
        else if (!this.#o.leaveOthers) socket.destroy();
      },
      () => {
        this.#tally.unproved++;
        this.#proving.delete(socket);
        socket.destroy();
        otherwise();
        this.#act();
      },
    );
  }

  #win(proved: T): void {
    if (this.#o.leaveOthers) this.#proving.clear();
    this.#close();
    this.#resolve(proved);
  }

  #end(error: SallyportError): void {
    if (this.#over) return;
    this.#close();
    this.#reject(error);
  }

  #close(): void {
    this.#over = true;
    clearTimeout(this.#timer);
    this.#o.signal.removeEventListener('abort', this.#onAbort);
    for (const socket of [...this.#dialled.values(), ...this.#proving]) socket.destroy();
    this.#dialled.clear();
    this.#proving.clear();
  }
}
