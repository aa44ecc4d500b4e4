/**
 * Ids that count for a limited time: those that were used and may not be used again (`handshake.ts` names
 * them), and those that were revoked (`switch.ts`). Bounded, and honest about it: when it is full it says so
 * instead of forgetting the oldest, because an id that is forgotten early can be replayed.
 */
import { refuse, type Verdict } from '#schema/errors.ts';

/** One id that a request uses up, and when it no longer needs to be remembered (milliseconds since the epoch). */
export interface Use {
  id: string;
  untilMs: number;
  /** Whoever can make as many of these as they like: they take up no more than `perOwner` of the set. */
  owner?: string;
}

/** Width of the slots in which ids are forgotten together, so that forgetting costs nothing per id looked up. */
const slotMs = 1_000;

export class ExpiringSet {
  readonly #capacity: number;
  readonly #perOwner: number;
  readonly #until = new Map<string, number>();
  /** Ids that have one, and how many each owner has. */
  readonly #owners = new Map<string, string>();
  readonly #owned = new Map<string, number>();
  readonly #slots = new Map<number, string[]>();
  #sweptSlot = -1;

  constructor(capacity: number, perOwner = capacity) {
    this.#capacity = capacity;
    this.#perOwner = perOwner;
  }

  get size(): number {
    return this.#until.size;
  }

  has(id: string, nowMs: number): boolean {
    return (this.#until.get(id) ?? Number.NEGATIVE_INFINITY) > nowMs;
  }

  /** @returns false when there is no room; the id is then not in the set. */
  add({ id, untilMs, owner }: Use, nowMs: number): boolean {
    this.#forget(nowMs);
    const known = this.#until.get(id);
    if (known === undefined && this.#until.size >= this.#capacity) return false;
    if (known !== undefined && known >= untilMs) return true;
    if (known === undefined && owner !== undefined) {
      const owned = this.#owned.get(owner) ?? 0;
      if (owned >= this.#perOwner) return false;
      this.#owned.set(owner, owned + 1);
      this.#owners.set(id, owner);
    }
    this.#until.set(id, untilMs);
    const slot = Math.floor(untilMs / slotMs);
    const ids = this.#slots.get(slot);
    if (ids === undefined) this.#slots.set(slot, [id]);
    else ids.push(id);
    return true;
  }

  #forget(nowMs: number): void {
    const present = Math.floor(nowMs / slotMs);
    if (present === this.#sweptSlot) return;
    this.#sweptSlot = present;
    for (const [slot, ids] of this.#slots) {
      if (slot >= present) continue;
      for (const id of ids) if ((this.#until.get(id) ?? 0) <= nowMs) this.#drop(id);
      this.#slots.delete(slot);
    }
  }

  #drop(id: string): void {
    this.#until.delete(id);
    const owner = this.#owners.get(id);
    if (owner === undefined) return;
    this.#owners.delete(id);
    const left = this.#owned.get(owner)! - 1;
    if (left > 0) this.#owned.set(owner, left);
    else this.#owned.delete(owner);
  }
}

/** Uses up all ids, or none. */
export function useOnce(
  used: ExpiringSet,
  uses: readonly Use[],
  nowMs: number,
): Verdict<object, 'token_replayed' | 'limit_reached'> {
  if (uses.some(({ id }) => used.has(id, nowMs))) return refuse('token_replayed');
  for (const use of uses) if (!used.add(use, nowMs)) return refuse('limit_reached');
  return { ok: true };
}
