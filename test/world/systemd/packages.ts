/**
 * Fetches Debian packages without installing them: a real systemd-resolved must never come onto the machine
 * itself, where it would take over /etc/resolv.conf. What the machine has already is not fetched again. By hand,
 * as `.ci/run` does: `node test/world/systemd/packages.ts`.
 */
import { execFile } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const wanted = ['systemd', 'dbus', 'systemd-resolved', 'libnss-resolve'];
const folder = new URL('../../../node_modules/.cache/sallyport/packages', import.meta.url).pathname;
const complete = join(folder, 'complete');

/** Whether there is apt, and so something to fetch them with. */
export const canFetch = (): boolean => existsSync('/usr/bin/apt-get');

/** @returns the files, to be unpacked over this machine's root. At once when they are there from before. */
export async function fetchPackages(): Promise<string[]> {
  if (!existsSync(complete)) {
    await mkdir(join(folder, 'partial'), { recursive: true });
    // A fresh container image has no lists of packages yet.
    await download().catch(() => run('apt-get', ['update', '-qq']).then(download));
    await writeFile(complete, `${wanted.join('\n')}\n`);
  }
  return globSync(join(folder, '*.deb'));
}

const download = () =>
  run('apt-get', [
    ...['install', '-y', '-qq', '--download-only', '--no-install-recommends'],
    // Nothing is installed: whoever installs something meanwhile is not in the way.
    ...['-o', 'Debug::NoLocking=1', '-o', `Dir::Cache::archives=${folder}`, '-o', 'APT::Sandbox::User=root'],
    ...wanted,
  ]);

const run = promisify(execFile);

if (import.meta.main) for (const path of await fetchPackages()) console.log(path);
