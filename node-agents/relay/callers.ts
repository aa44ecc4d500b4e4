/**
 * Counts the sockets that have not yet shown a credential: in all, and for each address. Who exceeds either
 * is turned away before a byte is read. Those that have shown one are counted by the switch, as seats.
 */
import type { Socket } from 'node:net';

export interface CallerLimits {
  unknown: number;
  /** Of one address; for IPv6 of one /64. */
  unknownPerAddress: number;
}

export const callerLimits: CallerLimits = { unknown: 8_192, unknownPerAddress: 256 };

type Caller = Pick<Socket, 'remoteAddress' | 'remotePort'>;

export class Callers {
  readonly #limits: CallerLimits;
  /** By address and port, which a TLS socket shares with the one below it; the value is its network. */
  readonly #unknown = new Map<string, string>();
  readonly #perNetwork = new Map<string, number>();

  constructor(limits: Partial<CallerLimits> = {}) {
    this.#limits = { ...callerLimits, ...limits };
  }

  get unknown(): number {
    return this.#unknown.size;
  }

  /** A connection was accepted. @returns false when it must be destroyed at once. */
  arrive(socket: Socket): boolean {
    const network = networkOf(socket.remoteAddress);
    const others = this.#perNetwork.get(network) ?? 0;
    if (this.#unknown.size >= this.#limits.unknown || others >= this.#limits.unknownPerAddress) return false;
    const caller = callerOf(socket);
    this.#unknown.set(caller, network);
    this.#perNetwork.set(network, others + 1);
    socket.once('close', () => this.#forget(caller));
    return true;
  }

  /** It has shown a credential that holds. */
  vouch(socket: Caller): void {
    this.#forget(callerOf(socket));
  }

  #forget(caller: string): void {
    const network = this.#unknown.get(caller);
    if (network === undefined) return;
    this.#unknown.delete(caller);
    const others = (this.#perNetwork.get(network) ?? 1) - 1;
    if (others > 0) this.#perNetwork.set(network, others);
    else this.#perNetwork.delete(network);
  }
}

const callerOf = ({ remoteAddress, remotePort }: Caller): string => `${remoteAddress} ${remotePort}`;

function networkOf(address = ''): string {
  if (!address.includes(':') || address.startsWith('::ffff:')) return address;
  return address.split(':').slice(0, 4).join(':');
}
