/**
 * Sends an order to cut to every Connector or relay of this object and gathers their receipts. The wait for
 * receipts is the only thing that this object keeps in memory: whoever gave the order is waiting as well, so
 * it cannot sleep meanwhile.
 */
import type { FromAgent, FromControllerOf } from '#schema/control/messages.ts';
import type { RevocationReceipt } from '#workers/controller/ports.ts';
import { isOpen, seatOf, tell } from './seat.ts';

type AgentReceipt = RevocationReceipt['agents'][number];
type Receipt = Extract<FromAgent, { type: 'receipt' }>;

interface Pending {
  missing: Map<WebSocket, AgentReceipt>;
  given: AgentReceipt[];
  orderedAt: number;
  done: () => void;
}

/** Orders that wait at the same time; beyond that an order is sent and nobody waits for it. */
const pendingLimit = 256;

export class Receipts {
  readonly #pending = new Map<string, Pending>();
  readonly #clock: () => number;

  constructor(clock: () => number) {
    this.#clock = clock;
  }

  async order(
    sockets: readonly WebSocket[],
    order: FromControllerOf<'revoke'>,
    timeoutMs: number,
  ): Promise<AgentReceipt[]> {
    const missing = new Map<WebSocket, AgentReceipt>();
    for (const socket of sockets) {
      const { agent, greeted } = seatOf(socket);
      if (agent.role === 'client' || !greeted || !isOpen(socket)) continue;
      const { role, id } = agent;
      missing.set(socket, { role, id, confirmed: false, flowsCut: 0, tunnelsCut: 0, ms: timeoutMs });
    }
    if (missing.size === 0) return [];
    const orderedAt = this.#clock();
    if (this.#pending.size >= pendingLimit) {
      for (const socket of missing.keys()) tell(socket, order);
      return [...missing.values()];
    }
    let timer: ReturnType<typeof setTimeout> | null = null;
    const given: AgentReceipt[] = [];
    await new Promise<void>((done) => {
      this.#pending.set(order.revocation, { missing, given, orderedAt, done });
      timer = setTimeout(done, timeoutMs);
      for (const socket of [...missing.keys()]) if (!tell(socket, order)) this.gone(socket);
    });
    clearTimeout(timer);
    this.#pending.delete(order.revocation);
    return [...given, ...missing.values()];
  }

  /** A Connector or relay has done as ordered. */
  take(socket: WebSocket, { revocation, flows_cut, tunnels_cut }: Receipt): void {
    const pending = this.#pending.get(revocation);
    const agent = pending?.missing.get(socket);
    if (!pending || !agent) return;
    pending.missing.delete(socket);
    const ms = this.#clock() - pending.orderedAt;
    pending.given.push({ ...agent, confirmed: true, flowsCut: flows_cut, tunnelsCut: tunnels_cut, ms });
    if (pending.missing.size === 0) pending.done();
  }

  /** Nobody will answer on this channel any more. */
  gone(socket: WebSocket): void {
    for (const pending of this.#pending.values()) {
      const agent = pending.missing.get(socket);
      if (!agent) continue;
      pending.missing.delete(socket);
      pending.given.push({ ...agent, ms: this.#clock() - pending.orderedAt });
      if (pending.missing.size === 0) pending.done();
    }
  }
}
