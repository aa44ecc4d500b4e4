/**
 * A real Postgres for one test: a cluster of its own in a temporary folder, on a loopback address. The
 * server refuses to run as root, so root hands it to an unprivileged user.
 */
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, chownSync, existsSync, globSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface Postgres {
  stop(): Promise<void>;
}

/** @param from who may connect besides loopback, as a CIDR. */
export async function startPostgres(
  address: string,
  port: number,
  password: string,
  from?: string,
): Promise<Postgres> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-postgres-'));
  const identity = process.getuid?.() === 0 ? unprivileged() : {};
  if (identity.uid !== undefined) chownSync(folder, identity.uid, identity.gid!);
  const bin = binaries();
  const data = join(folder, 'data');
  const passwordFile = join(folder, 'password');
  await run('sh', ['-c', 'umask 077; printf %s "$1" > "$2"', 'sh', password, passwordFile], identity);
  await run(
    join(bin, 'initdb'),
    ['-D', data, '-U', 'app', '-A', 'scram-sha-256', `--pwfile=${passwordFile}`, '--no-sync'],
    { ...identity, env: { PATH: process.env.PATH, LC_ALL: 'C' } },
  );
  if (from) appendFileSync(join(data, 'pg_hba.conf'), `host all all ${from} scram-sha-256\n`);
  const server = spawn(
    join(bin, 'postgres'),
    [
      '-D',
      data,
      '-p',
      String(port),
      '-c',
      `listen_addresses=${address}`,
      '-c',
      `unix_socket_directories=${folder}`,
    ],
    { ...identity, env: { PATH: process.env.PATH, LC_ALL: 'C' }, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  await readyLine(server);
  return {
    async stop() {
      server.kill('SIGINT');
      if (server.exitCode === null) await once(server, 'exit');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function readyLine(server: ChildProcess): Promise<void> {
  const printed: string[] = [];
  for await (const line of createInterface({ input: server.stderr! })) {
    printed.push(line);
    if (line.includes('ready to accept connections')) {
      server.stderr!.resume();
      return;
    }
  }
  throw new Error(`Postgres did not start:\n${printed.join('\n')}`);
}

function binaries(): string {
  const installed = globSync('/usr/lib/postgresql/*/bin').sort().at(-1);
  if (installed && existsSync(join(installed, 'initdb'))) return installed;
  throw new Error('Postgres is not installed: apt-get install postgresql');
}

function unprivileged(): { uid?: number; gid?: number } {
  const id = (flag: string) => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}
