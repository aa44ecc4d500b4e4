/**
 * What all peers have in common: ports of this host that lead through a program near the load, a relay, and a
 * program near the origin, to the origin's ports, by nothing but configuration files in a folder of their own.
 */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { descendants } from '../host/processes.ts';
import { Program } from '../host/program.ts';
import type { Origin } from '../load/process.ts';
import { firstByte } from '../measure/cold-start.ts';
import type { Subject } from '../measure/measure.ts';
import { find, programs } from './install.ts';

/** One of the origin's ports, and where it is at each step on the way to it. */
export interface Hop {
  origin: { host: string; port: number };
  near: number;
  relay: number;
  far: number;
}

export interface Ground {
  folder: string;
  hops: Hop[];
  /** Writes a file into the folder. @returns its path. */
  file(name: string, text: string, mode?: number): string;
  run(part: string, command: string[]): void;
}

export const cipher = 'TLS_AES_256_GCM_SHA384';

/**
 * @param build starts all but the end near the load.
 * @returns of that one the command, for these hops.
 */
export async function chain(
  way: { name: string; title: string },
  origin: Origin,
  build: (ground: Ground) => (hops: Hop[]) => string[],
): Promise<Subject> {
  const folder = mkdtempSync(join(tmpdir(), `sallyport-${way.name}-`));
  const started: [part: string, program: Program][] = [];
  const stop = async () => {
    await Promise.all(started.map(([, program]) => program.stop()));
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const hops: Hop[] = [];
    for (const port of [origin.ports.bulk, origin.ports.http]) {
      const [near, relay, far] = [await freePort(), await freePort(), await freePort()];
      hops.push({ origin: { host: origin.address, port }, near, relay, far });
    }
    const ground: Ground = {
      ...{ folder, hops },
      file(name, text, mode = 0o644) {
        const path = join(folder, name);
        writeFileSync(path, text, { mode });
        return path;
      },
      run: (part, command) => started.push([part, new Program(`${way.title}, ${part}`, command)]),
    };
    const near = build(ground);
    ground.run('near', near(hops));
    const target = (port: number, by = hops) => ({
      host: '127.0.0.1',
      port: by.find((hop) => hop.origin.port === port)!.near,
    });
    const dead = () => started.find(([, program]) => !program.running)?.[1];
    const ended = started.map(([, program]) =>
      program.ended.then(() => Promise.reject(new Error('it ended'))),
    );
    await Promise.race([firstByte(target(origin.ports.http), performance.now()), ...ended]).catch(
      (error: Error) => {
        throw new Error(dead()?.output() || error.message);
      },
    );
    for (const one of ended) one.catch(() => {});
    return {
      ...way,
      trouble: () => dead() && `${dead()!.name} ended: ${dead()!.output().slice(-400)}`,
      target: (port) => target(port),
      parts: Object.fromEntries(
        started.map(([part, { pid }]) => [part, [pid, ...descendants(pid)]] as const),
      ),
      async coldStart() {
        const fresh = await Promise.all(hops.map(async (hop) => ({ ...hop, near: await freePort() })));
        const start = performance.now();
        const program = new Program(`${way.title}, near`, near(fresh));
        try {
          return await firstByte(target(origin.ports.http, fresh), start);
        } finally {
          await program.stop();
        }
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The relay of those that bring none: bytes passed on by HAProxy, which is good at it. */
export function plainRelay({ file, run }: Ground, hops: Pick<Hop, 'relay' | 'far'>[]): void {
  const listeners = hops.map(
    ({ relay, far }) => `listen l${relay}\n  bind 127.0.0.1:${relay}\n  server far 127.0.0.1:${far}\n`,
  );
  run('relay', [find(programs.haproxy)!, '-db', '-f', file('relay.cfg', haproxy(listeners))]);
}

export const haproxy = (sections: string[]): string =>
  `global
  maxconn 4000
  ssl-default-bind-ciphersuites ${cipher}
  ssl-default-server-ciphersuites ${cipher}
defaults
  mode tcp
  option splice-auto
  timeout connect 10s
  timeout client 60s
  timeout server 60s
${sections.join('')}`;

/** A key and a certificate of its own for each end, each of which trusts the other's alone. */
export function certificates(
  folder: string,
): Record<'near' | 'far', { cert: string; key: string; both: string }> {
  const made = (name: 'near' | 'far') => {
    const [cert, key, both] = [
      join(folder, `${name}.crt`),
      join(folder, `${name}.key`),
      join(folder, `${name}.pem`),
    ];
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    const subject = ['-subj', '/CN=bench', '-addext', 'subjectAltName=DNS:bench', '-days', '2'];
    execFileSync('openssl', ['req', '-x509', ...curve, ...subject, '-keyout', key, '-out', cert], {
      stdio: 'pipe',
    });
    execFileSync('sh', ['-c', `cat ${cert} ${key} > ${both}`]);
    return { cert, key, both };
  };
  return { near: made('near'), far: made('far') };
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, 'close');
  return port;
}
