/**
 * Lets what concerns one agent be done one after the other, in the order in which it came: of two messages
 * that are worked on at the same time the older could otherwise be the last to be written down.
 */
export class Turns {
  readonly #last = new Map<string, Promise<void>>();

  take(agent: string, work: () => Promise<void>): Promise<void> {
    const mine = (this.#last.get(agent) ?? Promise.resolve()).then(work);
    const over = mine
      .catch(() => {})
      .then(() => {
        if (this.#last.get(agent) === over) this.#last.delete(agent);
      });
    this.#last.set(agent, over);
    return mine;
  }
}
