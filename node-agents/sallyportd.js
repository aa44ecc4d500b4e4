#!/usr/bin/env node
/**
 * Where `sallyportd` starts: `sallyportd.ts`, with what was compiled at an earlier start. This file is plain
 * JavaScript because whatever is loaded before the cache is there must be stripped of its types, by a compiler
 * of 26 MiB that then stays in memory. The cache is beside the code where that is this user's alone, as the
 * code is: so that a Client without any state starts quickly too. Elsewhere it is in the state directory
 * (`process/compile-cache.ts`).
 */
import { mkdirSync, statSync } from 'node:fs';
import { enableCompileCache, flushCompileCache } from 'node:module';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';

/** An agent that is killed later would otherwise have kept nothing. */
const flushAfterMs = 5_000;

/**
 * Buffers outside the heap count together with it. By themselves they have a limit that they reach after 64 MiB of
 * reading, however little is alive: a WebSocket at full load then spends half of its time collecting garbage.
 */
setFlagsFromString('--external-memory-accounted-in-global-limit');

const packages = join(import.meta.dirname, '..', 'node_modules');
const cache = join(packages, '.cache', 'sallyportd');

/** Whoever can write there decides what runs. */
function isOurs(path) {
  const state = statSync(path);
  return state.isDirectory() && state.uid === process.getuid?.() && (state.mode & 0o022) === 0;
}

try {
  if (isOurs(packages)) {
    mkdirSync(cache, { recursive: true, mode: 0o700 });
    if (isOurs(join(packages, '.cache')) && isOurs(cache)) {
      enableCompileCache(cache);
      setTimeout(flushCompileCache, flushAfterMs).unref();
    }
  }
} catch {
  // Read-only, or not ours: then every start compiles.
}

const { resolveQuickly } = await import('./process/resolve.ts');
resolveQuickly();
await import('./sallyportd.ts');
