/** What a fuzz target is. A new one: export it from a file here and add it to the list in `targets.ts`. */
import type { SeededRandom } from './random.ts';

export interface Target {
  /** Named after what it tries to break, as a path: `tunnel/codec`. */
  name: string;
  /** One case, out of this randomness alone. Throws when a promise is broken. Takes milliseconds, not seconds. */
  run(random: SeededRandom): void | Promise<void>;
}
