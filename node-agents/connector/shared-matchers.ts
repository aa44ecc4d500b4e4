/**
 * One matcher for all Client ACLs that grant the same: a Service may run in thousands of instances, each with
 * an ACL of its own that says what all the others say. Kept only for as long as some tunnel uses it.
 */
import { createHash } from 'node:crypto';
import type { GrantedResource } from '#schema/acl/document.ts';
import { compile, type Matcher } from '#schema/acl/match.ts';

export class SharedMatchers {
  readonly #held = new Map<string, WeakRef<Matcher<GrantedResource>>>();
  readonly #unused = new FinalizationRegistry<string>((key) => {
    if (this.#held.get(key)?.deref() === undefined) this.#held.delete(key);
  });

  of(resources: readonly GrantedResource[]): Matcher<GrantedResource> {
    const key = createHash('sha256').update(JSON.stringify(resources)).digest('base64');
    const held = this.#held.get(key)?.deref();
    if (held) return held;
    const made = compile(resources);
    this.#held.set(key, new WeakRef(made));
    this.#unused.register(made, key);
    return made;
  }
}
