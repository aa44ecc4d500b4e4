/**
 * Other people's programs that the benchmarks compare with: where they come from, by name and version, and where
 * they are found. `npm run bench -- --install` puts them into a cache outside of the project; what is not there
 * is named in the results.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Program {
  /** Of the executable. */
  name: string;
  /** A package of Debian's. */
  debian?: string;
  /** A command of a Go module, with its version. */
  go?: string;
  /** A program of ours in Go, and the package that it is made of. */
  source?: { file: string; from: string };
}

export const programs = {
  wireguard: { name: 'wireguard', go: 'golang.zx2c4.com/wireguard@v0.0.0-20260522210424-ecfc5a8d5446' },
  tailscaled: { name: 'tailscaled', go: 'tailscale.com/cmd/tailscaled@v1.102.5' },
  tailscale: { name: 'tailscale', go: 'tailscale.com/cmd/tailscale@v1.102.5' },
  tailscaleControl: {
    name: 'tailscale-control',
    source: {
      file: '../transparent/tailscale-control.go',
      from: 'tailscale.com/tstest/integration/testcontrol@v1.102.5',
    },
  },
  sshd: { name: 'sshd', debian: 'openssh-server' },
  ssh: { name: 'ssh', debian: 'openssh-client' },
  haproxy: { name: 'haproxy', debian: 'haproxy' },
  stunnel: { name: 'stunnel', debian: 'stunnel4' },
  nginx: { name: 'nginx', debian: 'libnginx-mod-stream' },
  chisel: { name: 'chisel', go: 'github.com/jpillora/chisel@latest' },
  frps: { name: 'frps', go: 'github.com/fatedier/frp/cmd/frps@latest' },
  frpc: { name: 'frpc', go: 'github.com/fatedier/frp/cmd/frpc@latest' },
} as const satisfies Record<string, Program>;

const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'sallyport', 'peers');
const places = [cache, ...(process.env['PATH'] ?? '').split(':'), '/usr/sbin'];

/** Where it is; undefined when it is not. */
export function find({ name }: Program): string | undefined {
  return places.map((place) => join(place, name)).find(isExecutable);
}

/** A sentence when one of them is missing. */
export function missing(...wanted: Program[]): string | undefined {
  const absent = wanted.filter((program) => find(program) === undefined);
  if (absent.length === 0) return undefined;
  return `${absent.map(({ name }) => name).join(' and ')} not installed (${absent.map(howTo).join(' && ')})`;
}

/** The command that brings it. */
const howTo = ({ debian, go }: Program): string => {
  if (debian !== undefined) return `apt-get install ${debian}`;
  return go === undefined ? 'npm run bench -- --install' : `go install ${go}`;
};

/** Brings all that can be had; tells of each. */
export function install(say: (text: string) => void): void {
  mkdirSync(cache, { recursive: true });
  for (const program of Object.values<Program>(programs)) {
    const had = find(program);
    if (had !== undefined) say(`${program.name}: ${had}`);
    else say(`${program.name}: ${bring(program) ?? find(program) ?? 'installed, but not found'}`);
  }
}

/** @returns why it cannot be had. */
function bring(program: Program): string | undefined {
  const { name, debian, go, source } = program;
  if (debian !== undefined)
    return run(program, ['apt-get', 'install', '-y', '-qq', '--no-install-recommends', debian], {
      env: aptEnv,
    });
  if (go !== undefined) return run(program, ['go', 'install', go], { env: { GOBIN: cache, ...goEnv } });
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-go-'));
  try {
    copyFileSync(new URL(source!.file, import.meta.url), join(folder, 'main.go'));
    const there = { cwd: folder, env: goEnv };
    return (
      run(program, ['go', 'mod', 'init', 'bench'], there) ??
      run(program, ['go', 'get', source!.from], there) ??
      run(program, ['go', 'build', '-o', join(cache, name), '.'], there)
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** @returns what it says when it fails. */
function run(program: Program, command: string[], o: { cwd?: string; env: Record<string, string> }) {
  const env = { ...process.env, ...o.env };
  const done = spawnSync(command[0]!, command.slice(1), { encoding: 'utf8', ...o, env });
  if (done.status === 0) return undefined;
  const reason = done.error?.message ?? done.stderr.trim().split('\n').at(-1);
  return `not to be had by “${howTo(program)}”: ${reason}`;
}

/** No service is to be started. */
const aptEnv = { DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
const goEnv = { GOFLAGS: '-buildvcs=false' };

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
