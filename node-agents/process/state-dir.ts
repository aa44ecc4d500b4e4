/**
 * The directory where an agent keeps its key: mode 0700, files 0600, written whole or not at all. What
 * others can read is refused with the command that mends it, because a key that may have been copied is no
 * longer a key. A container may go without: then the key comes from the environment and nothing is written.
 */
import { chmod, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SallyportError } from '#schema/errors.ts';

/**
 * Makes the directory if need be and checks that nobody else can look into it. An empty one that is ours and
 * too open (a fresh container volume) is closed without asking.
 * @returns whether it can be written to.
 * @throws SallyportError state_permissions, state_unreadable.
 */
export async function prepareStateDir(path: string): Promise<boolean> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    const { mode, uid } = await stat(path);
    if ((mode & 0o077) !== 0) {
      if (uid !== process.getuid?.() || (await readdir(path)).length > 0) throw tooOpen(path, mode, '700');
      await chmod(path, 0o700);
    }
  } catch (error) {
    if (isReadOnly(error)) return false;
    throw error instanceof SallyportError ? error : unusable(path, error);
  }
  const probe = join(path, '.writable');
  try {
    await (await open(probe, 'w', 0o600)).close();
    await rm(probe, { force: true });
    return true;
  } catch (error) {
    if (isReadOnly(error)) return false;
    throw unusable(path, error);
  }
}

/** @returns undefined when there is no such file. @throws SallyportError state_permissions, state_unreadable. */
export async function readSecretFile(path: string): Promise<string | undefined> {
  try {
    const { mode } = await stat(path);
    if ((mode & 0o077) !== 0) throw tooOpen(path, mode, '600');
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof SallyportError) throw error;
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw unusable(path, error);
  }
}

/** Under another name first, synced, then renamed: after a crash there is the old file or the new one. */
export async function writeSecretFile(path: string, text: string): Promise<void> {
  const draft = `${path}.new`;
  try {
    await rm(draft, { force: true });
    const file = await open(draft, 'wx', 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
    const folder = await open(dirname(path), 'r');
    await folder.sync().finally(() => folder.close());
  } catch (error) {
    throw unusable(path, error);
  }
}

const readOnlyCodes = new Set(['EROFS', 'EACCES', 'EPERM', 'ENOENT']);
const isReadOnly = (error: unknown): boolean =>
  readOnlyCodes.has((error as NodeJS.ErrnoException).code ?? '');

const tooOpen = (path: string, mode: number, wanted: string) =>
  new SallyportError(
    'state_permissions',
    `${path} has mode ${(mode & 0o777).toString(8)}, so others may read the key; run chmod ${wanted} ${path}`,
  );

const unusable = (path: string, cause: unknown) =>
  new SallyportError(
    'state_unreadable',
    `${path} cannot be used: ${(cause as NodeJS.ErrnoException).code ?? (cause as Error).message}`,
    { cause },
  );
