/**
 * Serves the console's built files to the embedded Worker, as the edge does for a deployment, and builds them
 * at the first question when they are absent or older than what they are made of.
 */
import { createHash } from 'node:crypto';
import { globSync, statSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { extname, join, normalize, relative } from 'node:path';

const root = new URL('../..', import.meta.url).pathname;
const sources = join(root, 'workers/console');
const built = join(sources, 'dist');

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};

let ready: Promise<void> | undefined;

/** @returns once the console can be served. Called by those who want to wait before somebody asks. */
export function buildConsole(): Promise<void> {
  ready ??= build().catch((error) => {
    ready = undefined;
    throw error;
  });
  return ready;
}

/** Answers what the Worker asks its ASSETS binding for. */
export async function consoleFiles(request: { url: string }): Promise<Response> {
  const path = normalize(new URL(request.url).pathname);
  const type = types[extname(path)];
  if (type === undefined || path.includes('..')) return new Response(null, { status: 404 });
  await buildConsole();
  try {
    const body = await readFile(join(built, path));
    return new Response(body, { headers: { 'Content-Type': type } });
  } catch {
    return new Response(null, { status: 404 });
  }
}

async function build(): Promise<void> {
  const stamp = stampOfSources();
  if ((await readFile(join(built, 'stamp'), 'utf8').catch(() => '')) === stamp) return;
  const { build } = await import('vite');
  // Beside the old one, and then in its place: another process may be serving that.
  const fresh = join(sources, `dist.${process.pid}`);
  await mkdir(fresh, { recursive: true });
  try {
    await build({
      configFile: join(sources, 'vite.config.ts'),
      logLevel: 'error',
      build: { outDir: fresh, emptyOutDir: true },
    });
    await writeFile(join(fresh, 'stamp'), stamp);
    await rm(`${fresh}.old`, { recursive: true, force: true });
    await rename(built, `${fresh}.old`).catch(() => undefined);
    await rename(fresh, built);
  } finally {
    await rm(fresh, { recursive: true, force: true });
    await rm(`${fresh}.old`, { recursive: true, force: true });
  }
}

/** Size and time of change of everything that the console is made of. */
function stampOfSources(): string {
  const files = globSync(['src/**/*', 'public/**/*', '*.html', '*.ts'], { cwd: sources })
    .map((path) => join(sources, path))
    .concat(
      globSync('schema/{people,acl,policy,errors*,*.ts}', { cwd: root }).map((path) => join(root, path)),
    )
    .concat(join(root, 'package-lock.json'))
    .sort();
  const hash = createHash('sha256');
  for (const path of files) {
    const { size, mtimeMs } = statSync(path);
    hash.update(`${relative(root, path)} ${size} ${mtimeMs}\n`);
  }
  return hash.digest('hex');
}
