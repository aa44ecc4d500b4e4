/**
 * Makes one module of the Worker for the embedded workerd, as wrangler does for a deployment. The module is
 * kept in the state directory and made again only when one of the files that went into it has changed.
 */
import { createHash } from 'node:crypto';
import { lstat, mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const root = new URL('../..', import.meta.url).pathname;

interface Kept {
  entry: string;
  /** File → size and time of its last change, of everything that was bundled. */
  inputs: Record<string, string>;
  script: string;
}

/** @param entry below the project's root. */
export async function bundle(entry: string, cacheDir: string): Promise<string> {
  const path = keptAt(entry, cacheDir);
  await mkdir(cacheDir, { recursive: true, mode: 0o700 });
  const mayKeep = await isOurs(cacheDir);
  const kept = mayKeep ? await readKept(path) : undefined;
  if (kept && (await unchanged(kept))) return kept.script;

  const { build } = await import('esbuild');
  const { outputFiles, metafile } = await build({
    entryPoints: [join(root, entry)],
    absWorkingDir: root,
    bundle: true,
    write: false,
    metafile: true,
    format: 'esm',
    target: 'es2024',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    conditions: ['workerd', 'worker', 'browser', 'import', 'default'],
    external: ['cloudflare:*', 'node:*'],
    logLevel: 'silent',
  });
  const inputs: Record<string, string> = {};
  for (const input of Object.keys(metafile.inputs)) inputs[input] = await stampOf(input);
  const made: Kept = { entry, inputs, script: outputFiles[0]!.text };
  if (!mayKeep) return made.script;
  await writeFile(`${path}.${process.pid}`, JSON.stringify(made));
  await rename(`${path}.${process.pid}`, path);
  return made.script;
}

/** Where it is kept; two checkouts may share a folder. */
export function keptAt(entry: string, cacheDir: string): string {
  const name = createHash('sha256').update(root).update(entry).digest('hex').slice(0, 16);
  return join(cacheDir, `bundle-${name}.json`);
}

/** Whoever can write there decides what runs, and a folder for temporary files is everybody's. */
async function isOurs(path: string): Promise<boolean> {
  const { mode, uid } = await lstat(path);
  return uid === process.getuid?.() && (mode & 0o022) === 0;
}

async function readKept(path: string): Promise<Kept | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Kept;
  } catch {
    return undefined;
  }
}

async function unchanged({ inputs }: Kept): Promise<boolean> {
  const stamps = await Promise.all(
    Object.entries(inputs).map(async ([input, stamp]) => (await stampOf(input)) === stamp),
  );
  return stamps.every(Boolean);
}

async function stampOf(input: string): Promise<string> {
  const found = await stat(join(root, input)).catch(() => undefined);
  return found ? `${found.size} ${found.mtimeMs}` : 'absent';
}
