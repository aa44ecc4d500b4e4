/**
 * The latest flows that were refused, and why, for whoever asks `sallyportd status` on this host: programs see
 * an errno, events are the administrator's. In memory alone and bounded, because it names destinations.
 */
import type { Destination } from '#schema/acl/document.ts';
import type { ErrorCode } from '#schema/errors.ts';

export interface Refused {
  destination: Destination;
  /** Address of the program or device; '' when unknown. */
  clientAddress: string;
  code: ErrorCode;
  detail?: string | undefined;
  /** `cnx_…`, where it got that far. */
  connection?: string;
}

/** As `status` tells it. */
export interface RefusalStatus {
  /** RFC 3339, of the last time. */
  at: string;
  /** How often, since it was listed. */
  times: number;
  code: ErrorCode;
  detail: string | null;
  protocol: Destination['protocol'];
  host: string;
  port: number | null;
  client_address: string | null;
  connection: string | null;
}

const most = 20;

/** Details of refusals that no ACL was asked about. */
export const unknownName = 'the address stands for no name that is known here: ask for the name again';
export const foreignSource = 'it comes from a network that this host does not serve (`--gateway`)';

export class Refusals {
  readonly #now: () => number;
  /** The latest last. A program that tries again and again is one of them. */
  readonly #latest = new Map<string, RefusalStatus>();

  /** @param now milliseconds since the epoch. */
  constructor(now: () => number) {
    this.#now = now;
  }

  readonly note = ({ destination, clientAddress, code, detail, connection }: Refused): void => {
    if (code === 'cancelled') return;
    const { protocol, host, port = null } = destination;
    const key = `${code} ${protocol} ${host} ${port} ${clientAddress}`;
    const times = (this.#latest.get(key)?.times ?? 0) + 1;
    this.#latest.delete(key);
    this.#latest.set(key, {
      ...{ at: new Date(this.#now()).toISOString(), times, code, detail: detail ?? null },
      ...{ protocol, host, port },
      ...{ client_address: clientAddress || null, connection: connection ?? null },
    });
    if (this.#latest.size > most) this.#latest.delete(this.#latest.keys().next().value!);
  };

  /** The latest first. */
  get latest(): RefusalStatus[] {
    return [...this.#latest.values()].reverse();
  }
}
