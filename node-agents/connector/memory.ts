/**
 * What Clients may send that their destinations have not taken yet, for the whole process and per principal:
 * many instances of one Service in front of a slow Resource must fill neither the memory nor everybody
 * else's share. `tunnel.ts` puts each tunnel's own budget (`schema/tunnel/window.ts`) below one of these.
 */
import { Budget } from '#schema/tunnel/window.ts';
import { limits } from './limits.ts';

export class Memory {
  /** Of tunnels whose principal is not known yet, and above all others. */
  readonly all: Budget;
  readonly #bytesPerPrincipal: number;
  readonly #shares = new Map<string, { budget: Budget; tunnels: number }>();

  constructor(most: { receiveBytes: number; receiveBytesPerPrincipal: number } = limits) {
    this.all = new Budget(most.receiveBytes);
    this.#bytesPerPrincipal = most.receiveBytesPerPrincipal;
  }

  /** One more tunnel of this principal. Call `leave` once, when it is closed. */
  enter(principal: string): { budget: Budget; leave(): void } {
    const share = this.#shares.get(principal) ?? {
      budget: new Budget(this.#bytesPerPrincipal, this.all),
      tunnels: 0,
    };
    this.#shares.set(principal, share);
    share.tunnels++;
    return {
      budget: share.budget,
      leave: () => {
        if (--share.tunnels === 0) this.#shares.delete(principal);
      },
    };
  }
}
