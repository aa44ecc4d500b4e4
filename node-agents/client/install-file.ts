/** Writes what `setup` installs: whole or not at all, since a Client or systemd may be watching. */
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { SallyportError } from '#schema/errors.ts';

/** @returns whether anything changed. @throws SallyportError state_unreadable. */
export async function installFile(path: string, text: string, mode = 0o600): Promise<boolean> {
  const draft = `${path}.new`;
  const before = await readFile(path, 'utf8').catch(() => undefined);
  try {
    await mkdir(dirname(path), { recursive: true });
    await rm(draft, { force: true });
    const file = await open(draft, 'wx', mode);
    await file.writeFile(text).finally(() => file.close());
    await rename(draft, path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new SallyportError(
      'state_unreadable',
      `${path} cannot be written (${code}): run as root, or pass --service-key PATH`,
      { cause },
    );
  }
  return text !== before;
}
