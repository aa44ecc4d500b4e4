/** How many things each source has, so that one source cannot have all the room. As large as what it counts. */
import type { PacketView } from '#schema/packet/view.ts';

export class Tally {
  readonly #counts = new Map<string, number>();

  get size(): number {
    return this.#counts.size;
  }
  of(source: string): number {
    return this.#counts.get(source) ?? 0;
  }
  add(source: string): void {
    this.#counts.set(source, this.of(source) + 1);
  }
  remove(source: string): void {
    const left = this.of(source) - 1;
    if (left > 0) this.#counts.set(source, left);
    else this.#counts.delete(source);
  }
}

/** Whom a packet counts for: its IPv4 address, or its IPv6 /64, within which a host may have any address. */
export function sourceKeyOf({ frame, family, sourceAt }: PacketView): string {
  let key = '';
  const end = sourceAt + (family === 4 ? 4 : 8);
  for (let at = sourceAt; at < end; at += 2) {
    key += String.fromCharCode((frame[at]! << 8) | frame[at + 1]!);
  }
  return key;
}
