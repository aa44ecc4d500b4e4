/**
 * Sends a probe to a Connector of this object and waits for what it did (`schema/control/messages.ts`). The
 * wait is kept in memory alone: the administrator who asked is waiting as well.
 */
import { neededCapability } from '#schema/control/features.ts';
import type { FromAgent, FromControllerOf, ProbeHop } from '#schema/control/messages.ts';
import { refuse, type Verdict } from '#schema/errors.ts';
import type { Id } from '#schema/ids.ts';
import { Buckets } from '#schema/rate/bucket.ts';
import { isOpen, seatOf, tell } from './seat.ts';

/** Of one Connector: an administrator who looks for a fault asks a few times in a row. */
const rate = { burst: 10, perSecond: 0.2 };
const mostWaiting = 64;

type Connector = Id<'connector'>;

export class Probes {
  readonly #rate = new Buckets(rate, 2_000);
  readonly #waiting = new Map<string, { connector: Connector; done: (hops: ProbeHop[]) => void }>();
  readonly #clock: () => number;

  constructor(clock: () => number) {
    this.#clock = clock;
  }

  async ask(
    sockets: readonly WebSocket[],
    connector: Connector,
    message: FromControllerOf<'probe'>,
    timeoutMs: number,
  ): Promise<Verdict<{ hops: ProbeHop[] }>> {
    const socket = sockets.find((one) => isOpen(one) && seatOf(one).greeted);
    if (!socket) return refuse('connector_offline');
    if ((seatOf(socket).capability ?? 0) < neededCapability.probe) return refuse('connector_outdated');
    if (this.#waiting.size >= mostWaiting || !this.#rate.take(connector, this.#clock()))
      return refuse('rate_limited', 'this Connector was asked for many probes lately');
    let timer: ReturnType<typeof setTimeout> | null = null;
    const hops = await new Promise<ProbeHop[] | undefined>((done) => {
      this.#waiting.set(message.probe, { connector, done });
      timer = setTimeout(() => done(undefined), timeoutMs);
      if (!tell(socket, message)) done(undefined);
    });
    clearTimeout(timer);
    this.#waiting.delete(message.probe);
    return hops ? { ok: true, hops } : refuse('connector_unresponsive');
  }

  /** What nobody waits for, or not of this Connector, is dropped. */
  take(connector: Connector, { probe, hops }: Extract<FromAgent, { type: 'probed' }>): void {
    const waiting = this.#waiting.get(probe);
    if (waiting?.connector === connector) waiting.done(hops);
  }
}
