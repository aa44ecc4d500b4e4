/**
 * Runs iproute2's `ip`: many commands in one process by `ip -batch -`, questions by `ip -json`. Whoever wants
 * rules and routes kept goes through `routes.ts`.
 */
import { spawn } from 'node:child_process';
import { SallyportError } from '#schema/errors.ts';

export type Family = 4 | 6;

export interface BatchOptions {
  /** Of addresses that a command does not show to be one or the other, `default` above all. */
  family?: Family;
  /** Carry on after a command that fails: for removals, where what is gone already is no failure. */
  force?: boolean;
}

/**
 * @param commands without the leading `ip`, in order; none makes nothing run.
 * @throws SallyportError `tun_unavailable` (no `ip`, no permission), `routes_failed` (with what `ip` said)
 */
export async function ipBatch(commands: readonly string[], options: BatchOptions = {}): Promise<void> {
  if (commands.length === 0) return;
  const bad = commands.find((command) => /[\n\\#"']/.test(command));
  if (bad !== undefined) throw new SallyportError('internal_error', `not one command of ip: ${bad}`);
  const { code, stderr } = await run(
    [...(options.family ? [`-${options.family}`] : []), ...(options.force ? ['-force'] : []), '-batch', '-'],
    commands.map((command) => `${command}\n`).join(''),
  );
  if (code === 0 || options.force) return;
  throw failure(stderr, commands);
}

/** @returns what `ip -json` prints, parsed; an empty list where it prints nothing (no such table). */
export async function ipJson<T>(family: Family, command: string): Promise<T[]> {
  const { code, stdout, stderr } = await run([`-${family}`, '-json', ...command.split(' ')], '');
  // A table that nobody has used does not exist to the kernel.
  if (code !== 0 && /table does not exist/.test(stderr)) return [];
  if (code !== 0) throw failure(stderr, [command]);
  if (stdout.trim() === '') return [];
  try {
    return (JSON.parse(stdout) as T[]).filter((one) => one && Object.keys(one).length > 0);
  } catch (cause) {
    throw new SallyportError('routes_failed', `ip ${command}: answered no JSON`, { cause });
  }
}

interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

/** Bytes of answer that are kept; 100,000 routes take some 20 MB. */
const mostOutput = 64 * 1024 * 1024;

function run(args: string[], input: string): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn('ip', args, {
      // The messages that are looked at are English; /sbin is not in everybody's path.
      env: { PATH: '/usr/sbin:/sbin:/usr/bin:/bin:/usr/local/sbin:/usr/local/bin', LC_ALL: 'C' },
      stdio: ['pipe', 'pipe', 'pipe'],
      timeout: 30_000,
    });
    const out = gather(child.stdout);
    const err = gather(child.stderr);
    child.once('error', (cause: NodeJS.ErrnoException) =>
      reject(
        cause.code === 'ENOENT'
          ? new SallyportError('tun_unavailable', 'the command `ip` is missing (install iproute2)', { cause })
          : new SallyportError('routes_failed', `ip could not be run: ${cause.message}`, { cause }),
      ),
    );
    child.once('close', (code, signal) =>
      resolve({ code: code ?? -1, stdout: out(), stderr: signal ? `ended by ${signal}` : err() }),
    );
    child.stdin.on('error', () => {}); // it ended before it read everything: its exit code says why
    child.stdin.end(input);
  });
}

function gather(stream: NodeJS.ReadableStream): () => string {
  const parts: Buffer[] = [];
  let length = 0;
  stream.on('data', (part: Buffer) => {
    length += part.length;
    if (length <= mostOutput) parts.push(part);
  });
  return () => Buffer.concat(parts).toString('utf8');
}

/** `RTNETLINK answers: Operation not permitted\nCommand failed -:3` */
function failure(stderr: string, commands: readonly string[]): SallyportError {
  const line = Number(/Command failed -:(\d+)/.exec(stderr)?.[1] ?? 1);
  const said = stderr
    .split('\n')
    .map((one) => one.replace(/^(RTNETLINK answers|Error): /, '').trim())
    .find((one) => one !== '');
  if (/Operation not permitted/.test(stderr))
    return new SallyportError(
      'tun_unavailable',
      'CAP_NET_ADMIN is missing (in a container: --cap-add NET_ADMIN)',
    );
  return new SallyportError('routes_failed', `ip ${commands[line - 1] ?? ''}: ${said ?? 'failed'}`);
}
