/**
 * What a direct path needs of the host: local ports from which several connections start and at which a few
 * addresses may come in. `os/path-port.ts` makes them; this folder only uses them.
 */
import type { Socket } from 'node:net';

export interface PathPort {
  readonly family: 4 | 6;
  readonly port: number;
  /**
   * 'connect' or 'error' follow.
   * @param deaf until it is connected, it takes no reset for an answer.
   * @throws SallyportError limit_reached.
   */
  connect(to: { address: string; port: number }, deaf?: boolean): Socket;
  /** Lets these addresses in until `close`. @returns whether there is a listener now. */
  listen(from: readonly string[], onSocket: (socket: Socket) => void): boolean;
  /** Connections that were made live on. */
  close(): void;
}

/** One port of each family that this host has. */
export type OpenPorts = () => Promise<PathPort[]>;
