/**
 * Has the kernel refuse questions for protected names that would go past our resolver (`os/closed-names.ts`), above
 * all those of the time after a kill. `transparent.ts` tells it what is protected; a clean end opens everything.
 */
import { closeNames, namesClosed, openNames, stayAlive } from '#node-agents/os/closed-names.ts';
import type { DnsWay } from '#node-agents/os/dns-way.ts';
import type { Log } from '#node-agents/process/log.ts';
import type { Prefix } from '#schema/name/ip.ts';
import { deviceAddresses } from '#schema/name/synthetic.ts';

export interface GuardedNames {
  device: string;
  way: DnsWay;
  /** Addresses and aliases of Resources. */
  patterns: readonly string[];
  /** Names that stay what they are. */
  exempt: Iterable<string>;
}

export class NameGuard {
  readonly #networks: readonly Prefix[];
  readonly #now: () => number;
  readonly #log: Log;
  #names: GuardedNames | undefined;
  /** What is closed, as one text. */
  #closed = '';
  #failed = false;

  /** @param networks whose devices this host serves. @param now the host's own clock, milliseconds. */
  constructor(networks: readonly Prefix[], now: () => number, log: Log) {
    this.#networks = networks;
    this.#now = now;
    this.#log = log;
  }

  follow(names: GuardedNames): void {
    const { device, way, patterns, exempt } = names;
    const closed = [device, way, ...patterns, '', ...[...exempt].sort()].join('\n');
    if (closed === this.#closed) return;
    this.#names = names;
    this.#closed = closed;
    this.#close();
  }

  /** Call it every second. Closes again what others have opened (`nft flush ruleset`). */
  repair(): void {
    if (this.#names === undefined || this.#failed || this.#names.way === 'off') return;
    if (this.#names.way === 'resolved' ? stayAlive(this.#now() + aliveMs) : namesClosed()) return;
    this.#close();
    this.#log.warn('names_closed_again', { reason: 'the table of nftables was removed' });
  }

  /** @param open else what is closed stays so. */
  close(open: boolean): void {
    this.#names = undefined;
    if (open) openNames();
  }

  #close(): void {
    const { device, way, patterns, exempt } = this.#names!;
    // Who wants no name answered here has none protected.
    if (way === 'off') return openNames();
    try {
      const left = closeNames({
        ...{ device, patterns, exempt, networks: this.#networks },
        resolver: [deviceAddresses.v4, deviceAddresses.v6],
        ...(way === 'resolved' && { loopbackUntilMs: this.#now() + aliveMs }),
      });
      if (left > 0) this.#log.warn('names_left_open', { left, reason });
      this.#failed = false;
    } catch (error) {
      if (!this.#failed) this.#log.warn('names_left_open', { error, reason });
      this.#failed = true;
    }
  }
}

/** A daemon that was kept from working for so long is taken for dead; it is told every second. */
const aliveMs = 5_000;

const reason = 'whenever the daemon is killed, they go to the resolver of this host until its next start';
