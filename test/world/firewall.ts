/**
 * nftables inside one of a test's own network namespaces: the network that swallows, resets or does not
 * forward. Never outside of one.
 */
import { execFileSync } from 'node:child_process';
import type { Namespaces, Place } from './namespaces.ts';

export class Firewall {
  readonly #prefix: string[];

  constructor(net: Namespaces, place: Place) {
    this.#prefix = net.prefix(place);
  }

  /** In place of what was set before. @param chains as they stand in a table of family inet. */
  set(chains: string): void {
    this.#load(`table inet test {\n${chains}\n}`);
  }

  /** What arrives here and matches is lost without a word. (What is dropped on its way out fails at its sender.) */
  swallow(...matches: string[]): void {
    this.set(arriving(matches.map((match) => `${match} drop`)));
  }

  /** Whoever sends what arrives here and matches is told of a reset by the other end. */
  reset(...matches: string[]): void {
    // The resets that the far end's rules make are let in.
    this.set(
      arriving([
        'tcp flags & rst == rst accept',
        ...matches.map((match) => `${match} reject with tcp reset`),
      ]),
    );
  }

  clear(): void {
    this.#load('');
  }

  #load(table: string): void {
    const [command, ...prefix] = this.#prefix;
    const input = `table inet test\ndelete table inet test\n${table}\n`;
    execFileSync(command!, [...prefix, 'nft', '-f', '-'], { input, stdio: ['pipe', 'pipe', 'pipe'] });
  }
}

const arriving = (rules: string[]): string =>
  `chain arriving { type filter hook input priority 0;\n${rules.join('\n')}\n}`;
