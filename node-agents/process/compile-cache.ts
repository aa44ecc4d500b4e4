/**
 * Keeps compiled modules between two starts, which more than halves the time until an agent does anything.
 * Only ever inside a state directory that is this user's alone: whoever can write there decides what runs.
 */
import { statSync } from 'node:fs';
import { enableCompileCache, flushCompileCache } from 'node:module';
import { join } from 'node:path';

/** An agent that is killed later would otherwise have kept nothing. */
const flushAfterMs = 5_000;

/** Does nothing where the directory is not there yet, not ours or not writable. */
export function keepCompiled(stateDir: string): void {
  if (!isOurs(stateDir)) return;
  enableCompileCache(join(stateDir, 'compiled'));
  setTimeout(flushCompileCache, flushAfterMs).unref();
}

function isOurs(path: string): boolean {
  try {
    const state = statSync(path);
    return state.isDirectory() && state.uid === process.getuid?.() && (state.mode & 0o022) === 0;
  } catch {
    return false; // The agent itself will say what is wrong with it.
  }
}
