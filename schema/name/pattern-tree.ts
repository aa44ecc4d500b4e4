/**
 * Finds which of many name patterns match a name (`*` any run of characters, also dots and also none; `?`
 * exactly one). Names without wildcards sit in a map; patterns in a trie that is read from the end of the
 * name, because that is where names agree. The work of a look-up depends on the length of the name and on
 * the wildcards within the patterns that agree with it so far, not on how many patterns there are.
 */

interface Branch<T> {
  /** By character; `*` and `?` are the wildcards. */
  next?: Map<string, Branch<T>>;
  /** What ends here. */
  values: T[];
  /** The only pattern below here, not yet split into branches. */
  tail?: { rest: string; values: T[] };
  /** Reached by `*`: stays in play whatever comes. */
  loops: boolean;
}

export class PatternTree<T> {
  readonly #literals = new Map<string, T[]>();
  readonly #root: Branch<T> = { values: [], loops: false };
  /** Branches looked at so far, for the test that bounds the work. */
  visits = 0;

  add(pattern: string, value: T): void {
    if (!isWildcard(pattern)) {
      const held = this.#literals.get(pattern);
      if (held) held.push(value);
      else this.#literals.set(pattern, [value]);
      return;
    }
    place(this.#root, reversed(pattern.replace(/\*+/g, '*')), [value]);
  }

  /** What stands behind exactly this name. */
  literal(name: string): readonly T[] {
    this.visits++;
    return this.#literals.get(name) ?? [];
  }

  /** What stands behind every wildcard pattern that matches the name, in no order. */
  wildcards(name: string): Set<T> {
    const text = reversed(name);
    const found = new Set<T>();
    let active = new Set<Branch<T>>();
    this.#enter(this.#root, text, 0, active, found);
    for (let i = 0; i < text.length && active.size > 0; i++) {
      const following = new Set<Branch<T>>();
      for (const branch of active) {
        if (branch.loops) following.add(branch);
        for (const step of [branch.next?.get(text[i]!), branch.next?.get('?')]) {
          if (step) this.#enter(step, text, i + 1, following, found);
        }
      }
      active = following;
    }
    for (const branch of active) for (const value of branch.values) found.add(value);
    return found;
  }

  /** Brings a branch into play at position `i`, and the `*` below it, which may stand for nothing. */
  #enter(branch: Branch<T>, text: string, i: number, active: Set<Branch<T>>, found: Set<T>): void {
    if (active.has(branch)) return;
    this.visits++;
    if (branch.tail) {
      const { rest, values } = branch.tail;
      if (matches(branch.loops ? `*${rest}` : rest, text, i)) {
        for (const value of values) found.add(value);
      }
      return;
    }
    active.add(branch);
    const star = branch.next?.get('*');
    if (star) this.#enter(star, text, i, active, found);
  }
}

export const isWildcard = (pattern: string): boolean => /[*?]/.test(pattern);

/** Whether one pattern matches a text from position `from`: linear but for the last `*`, to which it returns. */
export function matches(pattern: string, text: string, from = 0): boolean {
  let p = 0;
  let t = from;
  let star = -1;
  let resume = 0;
  while (t < text.length) {
    if (p < pattern.length && pattern[p] === '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.length && (pattern[p] === '?' || pattern[p] === text[t])) {
      p++;
      t++;
    } else if (star >= 0) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (pattern[p] === '*') p++;
  return p === pattern.length;
}

function place<T>(start: Branch<T>, pattern: string, values: T[]): void {
  let branch = start;
  let rest = pattern;
  for (;;) {
    if (branch.tail?.rest === rest) {
      branch.tail.values.push(...values);
      return;
    }
    if (!branch.tail && !branch.next && branch.values.length === 0) {
      branch.tail = { rest, values };
      return;
    }
    if (branch.tail) {
      const { tail } = branch;
      delete branch.tail;
      if (tail.rest === '') branch.values = tail.values;
      else place(childOf(branch, tail.rest[0]!), tail.rest.slice(1), tail.values);
    }
    if (rest === '') {
      branch.values.push(...values);
      return;
    }
    branch = childOf(branch, rest[0]!);
    rest = rest.slice(1);
  }
}

function childOf<T>(branch: Branch<T>, character: string): Branch<T> {
  branch.next ??= new Map();
  let child = branch.next.get(character);
  if (!child) {
    child = { values: [], loops: character === '*' };
    branch.next.set(character, child);
  }
  return child;
}

const reversed = (text: string): string => [...text].reverse().join('');
