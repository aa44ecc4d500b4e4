/**
 * What every fresh Controller would make anew: the Worker's bundle and the compiled form of its own code. Both
 * are kept beside the packages, which are as much this user's alone as the code is.
 */
import { copyFile, mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { keptAt } from '#workers/local/bundle.ts';
import { entry } from '#workers/local/start.ts';

const folder = new URL('../../node_modules/.cache/sallyport', import.meta.url).pathname;

/** Environment for Node programs that start often. */
export const compiledOnce = { NODE_COMPILE_CACHE: join(folder, 'compiled') };

/** A Controller's start with what an earlier one left; `keep`, once it is ready, leaves it for the next. */
export async function cachedFor(
  stateDir: string,
): Promise<{ env: Record<string, string>; keep(): Promise<void> }> {
  const [kept, own] = [keptAt(entry, folder), keptAt(entry, stateDir)];
  await mkdir(folder, { recursive: true });
  // One that is out of date is made anew, by the Controller itself.
  await copyFile(kept, own).catch(() => {});
  return {
    env: compiledOnce,
    async keep() {
      await copyFile(own, `${kept}.${process.pid}`);
      await rename(`${kept}.${process.pid}`, kept);
    },
  };
}
