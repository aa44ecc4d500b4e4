/**
 * A killed parent leaves its workerd behind, holding port and database. Each run therefore notes which
 * workerd it started, and the next run on the same state directory ends that one first: only if the process
 * with this number is still the very same one (its start time says so).
 */
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

interface Noted {
  pid: number;
  /** Field 22 of `/proc/<pid>/stat`: clock ticks from boot to start. */
  started: string;
}

const fileOf = (stateDir: string) => join(stateDir, 'workerd.json');

/** Notes the workerd children of this process that were not there `before`. */
export async function noteWorkerd(stateDir: string, before: ReadonlySet<number>): Promise<void> {
  const mine: Noted[] = [];
  for (const pid of await workerdChildren()) {
    const started = before.has(pid) ? undefined : await startOf(pid);
    if (started !== undefined) mine.push({ pid, started });
  }
  await writeFile(fileOf(stateDir), JSON.stringify(mine), { mode: 0o600 });
}

export async function reapOrphan(stateDir: string): Promise<void> {
  const noted: Noted[] = await readFile(fileOf(stateDir), 'utf8').then(JSON.parse, () => []);
  for (const { pid, started } of noted) {
    if ((await startOf(pid)) !== started) continue;
    process.kill(pid, 'SIGKILL');
    for (let waited = 0; waited < 2_000 && (await startOf(pid)) === started; waited += 20) await sleep(20);
  }
  await rm(fileOf(stateDir), { force: true });
}

/** Only Linux tells; elsewhere nothing is noted and nothing reaped. */
export async function workerdChildren(): Promise<Set<number>> {
  const found = new Set<number>();
  const tasks = await readdir('/proc/self/task').catch(() => []);
  for (const task of tasks) {
    const children = await readFile(`/proc/self/task/${task}/children`, 'utf8').catch(() => '');
    for (const pid of children.split(' ').filter(Boolean)) {
      const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
      if (name.startsWith('workerd')) found.add(Number(pid));
    }
  }
  return found;
}

/** Undefined when there is no such process, or only its exit status is left. */
async function startOf(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' ? undefined : fields[19];
}
