/**
 * What an ACL has been, version by version, as far as it must be remembered to tell an agent only the
 * difference to what it already holds. One ledger per subject: the Connectors of a Remote Network share one,
 * and so do the instances of a principal. The control channel compiles the entries, lets `advance` note what
 * changed, and sends each agent what `since` says.
 */

/** One change. The entry's present value is in the ledger, so a step keeps keys alone. */
export interface Step {
  /** The version before. */
  base: number;
  /** Up to here the entries were seen to be those of `base`. What they were from here to `version`, nobody knows. */
  seen: number;
  version: number;
  /** Of the entries that were set, changed or removed. */
  keys: readonly string[];
}

export interface Ledger<E> {
  /** The version at which the entries last changed. */
  version: number;
  /** The latest version at which they were looked at; from `version` up to here they are the same. */
  seen: number;
  entries: Readonly<Record<string, E>>;
  /** Oldest first; each starts where the one before ended. */
  steps: readonly Step[];
}

/** What to tell an agent. A difference sets and unsets entries on top of what the agent holds at `base`. */
export type Tell<E> =
  | { kind: 'snapshot'; version: number; set: Record<string, E>; unset: [] }
  | { kind: 'difference'; base: number; version: number; set: Record<string, E>; unset: string[] };

/** How much is remembered: an agent that is further behind gets a snapshot. */
export const ledgerLimits = { steps: 64, keys: 4096 } as const;

/** The keys whose entries are not the same in both. */
export function changedKeys<E>(
  before: Readonly<Record<string, E>>,
  after: Readonly<Record<string, E>>,
): string[] {
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys].filter((key) => !same(entryOf(before, key), entryOf(after, key)));
}

/**
 * Notes what the entries are at a version.
 * @throws RangeError when they changed and the version did not grow: whoever compiles must take a new one.
 */
export function advance<E>(
  ledger: Ledger<E> | undefined,
  version: number,
  entries: Readonly<Record<string, E>>,
): Ledger<E> {
  if (!ledger) return { version, seen: version, entries, steps: [] };
  const keys = changedKeys(ledger.entries, entries);
  if (keys.length === 0) return { ...ledger, seen: Math.max(ledger.seen, version) };
  if (version <= ledger.seen) throw new RangeError(`entries changed after version ${ledger.seen} was seen`);
  const step = { base: ledger.version, seen: ledger.seen, version, keys };
  return { version, seen: version, entries, steps: withinLimits([...ledger.steps, step]) };
}

/**
 * @param have the version that the agent holds; undefined when it holds none. A difference is only told to a
 *   version at which the entries are known: between two looks something may have come and gone again.
 */
export function since<E>(ledger: Ledger<E>, have: number | undefined): Tell<E> {
  const { version, seen, entries, steps } = ledger;
  const known = (one: number) =>
    (one >= version && one <= seen) || steps.some((step) => one >= step.base && one <= step.seen);
  if (have === undefined || !known(have)) {
    return { kind: 'snapshot', version, set: { ...entries }, unset: [] };
  }
  if (have >= version) return { kind: 'difference', base: have, version: have, set: {}, unset: [] };
  const keys = new Set(steps.filter((step) => step.version > have).flatMap((step) => step.keys));
  const set: Record<string, E> = {};
  const unset: string[] = [];
  for (const key of keys) {
    const entry = entryOf(entries, key);
    if (entry === undefined) unset.push(key);
    else set[key] = entry;
  }
  return { kind: 'difference', base: have, version, set, unset };
}

/** Drops the oldest steps. */
function withinLimits(steps: Step[]): Step[] {
  let keys = 0;
  let from = steps.length;
  while (from > 0 && steps.length - from < ledgerLimits.steps) {
    keys += steps[from - 1]!.keys.length;
    if (keys > ledgerLimits.keys) break;
    from--;
  }
  return steps.slice(from);
}

const entryOf = <E>(entries: Readonly<Record<string, E>>, key: string): E | undefined =>
  Object.hasOwn(entries, key) ? entries[key] : undefined;

/** Entries are plain data, made with their fields in one order. */
const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
