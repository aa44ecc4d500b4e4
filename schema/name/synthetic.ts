/**
 * The addresses that Clients answer protected names with (design §8): a slot out of 100.96.0.0/12 that Tenant
 * and name alone decide, and the same slot below a unique local prefix for AAAA. So a name has one address on
 * every host and after every restart; where two names want one slot, the later one moves on to the next
 * that the same rule gives. `client/dns/` asks for a name's address, `client/tun/` for an address's name.
 */
import { type Ip, parsePrefix } from './ip.ts';
import { syntheticV4, syntheticV6 } from './reserved.ts';

export interface SyntheticAddresses {
  v4: Ip;
  v6: Ip;
}

/** The first addresses of both ranges belong to the device itself (`deviceAddresses`) and its inner workings. */
export const reservedSlots = 256;
const v4Prefix = parsePrefix(syntheticV4)!;
const v6Prefix = parsePrefix(syntheticV6)!;
/** All but the last, which looks like a broadcast address. */
const endOfSlots = 2 ** (32 - v4Prefix.length) - 1;
const usable = endOfSlots - reservedSlots;
/** Of names that are in no ACL by themselves but under a wildcard. */
const mostSeen = 65_536;
const mostAttempts = 256;

/** Address `slot` of both ranges, counted from their first. */
export function addressesAt(slot: number): SyntheticAddresses {
  return { v4: place(v4Prefix.ip, slot), v6: place(v6Prefix.ip, slot) };
}

/** The device's own addresses: its resolver answers there. */
export const deviceAddresses = addressesAt(1);
/** The address that stands for the far end of every flow on the device ("system stack"). */
export const peerAddresses = addressesAt(2);

/** The slot of an address, reserved ones included; undefined for an address outside both ranges. */
export function slotOf({ family, bytes }: Ip): number | undefined {
  const start = family === 4 ? v4Prefix : v6Prefix;
  const last = bytes.length - 4;
  for (let i = 0; i < last; i++) if (bytes[i] !== start.ip.bytes[i]) return undefined;
  const slot = (read32(bytes, last) ^ read32(start.ip.bytes, last)) >>> 0;
  return slot <= endOfSlots ? slot : undefined;
}

/** Where a name goes that finds `attempt` slots of its own taken. */
export const slotFor = (tenant: string, name: string, attempt = 0): number =>
  reservedSlots + (hash(`${tenant}\n${name}\n${attempt}`) % usable);

/** Which name has which slot. Names are canonical (`host.ts`). */
export class SyntheticNames {
  readonly #tenant: string;
  readonly #most: number;
  readonly #slots = new Map<string, number>();
  readonly #names = new Map<number, string>();
  /** Names that are kept whatever comes. */
  #kept: ReadonlySet<string> = new Set();
  /** The others, those in use least lately first. */
  readonly #seen = new Set<string>();
  /** Raised whenever a name comes or goes. */
  revision = 0;

  /** @param tenant what sets this Tenant apart from others: its URL. */
  constructor(tenant: string, most = mostSeen) {
    this.#tenant = tenant;
    this.#most = most;
  }

  get size(): number {
    return this.#slots.size;
  }

  has(name: string): boolean {
    return this.#slots.has(name);
  }

  /** Names outside `keep`, those in use least lately first: what has to be remembered over a restart. */
  get seen(): string[] {
    return [...this.#seen];
  }

  /**
   * The literal names of the ACL: each has a slot from now on and is never forgotten. They are taken in the
   * order of the alphabet, so that the same names settle a collision in the same way everywhere.
   */
  keep(names: Iterable<string>): void {
    const before = this.#kept;
    this.#kept = new Set(names);
    for (const name of before) if (!this.#kept.has(name) && this.#slots.has(name)) this.#see(name);
    for (const name of [...this.#kept].sort()) {
      this.#seen.delete(name);
      if (!this.#slots.has(name)) this.#take(name);
    }
  }

  /** The addresses of a name, the same as before if it has any. Undefined when there is no room for it. */
  assign(name: string): SyntheticAddresses | undefined {
    const slot = this.#slots.get(name) ?? this.#take(name);
    if (slot === undefined) return undefined;
    if (!this.#kept.has(name)) this.#see(name);
    return addressesAt(slot);
  }

  /** Undefined for an address that no name has; whoever asks is about to use it. */
  nameOf(ip: Ip): string | undefined {
    const slot = slotOf(ip);
    const name = slot === undefined ? undefined : this.#names.get(slot);
    if (name !== undefined && !this.#kept.has(name)) this.#see(name);
    return name;
  }

  #take(name: string): number | undefined {
    for (let attempt = 0; attempt < mostAttempts; attempt++) {
      const slot = slotFor(this.#tenant, name, attempt);
      if (this.#names.has(slot)) continue;
      this.#names.set(slot, name);
      this.#slots.set(name, slot);
      this.revision++;
      return slot;
    }
    return undefined;
  }

  #see(name: string): void {
    this.#seen.delete(name);
    this.#seen.add(name);
    if (this.#seen.size <= this.#most) return;
    const [oldest] = this.#seen;
    this.#seen.delete(oldest!);
    this.#names.delete(this.#slots.get(oldest!)!);
    this.#slots.delete(oldest!);
    this.revision++;
  }
}

function place({ family, bytes }: Ip, slot: number): Ip {
  const placed = bytes.slice();
  const at = placed.length - 4;
  const value = read32(bytes, at) + slot;
  for (let i = 0; i < 4; i++) placed[at + i] = value >>> (24 - 8 * i);
  return { family, bytes: placed };
}

function read32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

/** FNV-1a with the last rounds of MurmurHash3, so that the low bits depend on every character. */
function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
