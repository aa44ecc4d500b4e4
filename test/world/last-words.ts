/**
 * Set up before every file of system tests: when a test fails, its message ends with the processes that are still
 * there, what each has said last and what its threads wait for. A time limit by itself tells nothing of that.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { afterEach } from 'vitest';
import { type AgentProcess, running } from './process.ts';

const lastLines = 5;

afterEach(({ task }) => {
  const [error] = task.result?.errors ?? [];
  if (error === undefined) return;
  error.message += [...running].map(lastWords).join('');
});

function lastWords(one: AgentProcess): string {
  const said = one.output().split('\n').slice(-lastLines);
  return `\n-- ${one.name} (${one.pid}) ${threads(one.pid)}\n${said.join('\n')}`;
}

/** State and place in the kernel of each thread, the same ones counted. */
function threads(pid: number): string {
  const counts = new Map<string, number>();
  for (const thread of list(`/proc/${pid}/task`)) {
    const stat = read(`/proc/${pid}/task/${thread}/stat`);
    const state = stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
    const where = `${state} ${read(`/proc/${pid}/task/${thread}/wchan`)}`;
    counts.set(where, (counts.get(where) ?? 0) + 1);
  }
  return [...counts].map(([where, count]) => `${count} × ${where}`).join(', ') || 'is gone';
}

function list(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
