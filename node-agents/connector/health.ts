/**
 * How the running Connector stands, asked from beside it: `sallyportd connector health` connects to a Unix
 * socket in the state directory and prints the one answer that it gets. Where nothing can be written the
 * socket is an abstract one (unix(7)), named after user and directory. It tells connectivity (Controller,
 * relays, age of the ACL), not merely that a process runs.
 */
import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { type ErrorCode, SallyportError } from '#schema/errors.ts';
import type { HealthConfig } from '../process/config.ts';
import { exitCodes } from '../process/exit.ts';
import type { Host } from '../process/host.ts';
import { version } from '../process/version.ts';

export interface Health {
  healthy: boolean;
  /** Why not, in the order in which to look. */
  problems: string[];
  connector: string | null;
  version: string;
  controller: { state: string; heard_s: number | null; code: ErrorCode | null };
  relays: { relay: string; url: string; state: string; code: string | null }[];
  acl: { version: number | null; resources: number; stale: boolean; expires_s: number | null };
  tunnels: number;
  /** Of these, without a relay. */
  tunnels_direct: number;
  flows: number;
  /** Share of the load that Clients are told, how busy it is, and of what is scarcest how much is in use (0–1). */
  weight: number;
  load: string;
  utilisation: number;
  events_waiting: number;
  draining: boolean;
}

/** Before the first login has succeeded. */
export const startingHealth: Health = {
  healthy: false,
  problems: ['no link to the Controller yet'],
  connector: null,
  version,
  controller: { state: 'connecting', heard_s: null, code: null },
  relays: [],
  acl: { version: null, resources: 0, stale: true, expires_s: null },
  tunnels: 0,
  tunnels_direct: 0,
  flows: 0,
  weight: 0,
  load: 'free',
  utilisation: 0,
  events_waiting: 0,
  draining: false,
};

/** Longest path of a Unix socket, less its final zero. */
const longestPath = 107;
const answerMs = 3_000;
const longestAnswer = 64 * 1024;

function addresses(stateDir: string): { file: string | undefined; abstract: string | undefined } {
  const file = join(stateDir, 'connector.sock');
  const name = createHash('sha256').update(stateDir).digest('hex').slice(0, 16);
  return {
    file: Buffer.byteLength(file) <= longestPath ? file : undefined,
    abstract:
      process.platform === 'linux' ? `\0sallyport-connector-${process.getuid?.() ?? 0}-${name}` : undefined,
  };
}

/**
 * Answers whoever connects.
 * @throws SallyportError address_in_use when a Connector already runs with this state directory.
 */
export async function serveHealth(stateDir: string, health: () => Health): Promise<{ close(): void }> {
  const { file, abstract } = addresses(stateDir);
  const refuseAt = async (address: string): Promise<void> => {
    if ((await ask(address)) === undefined) return;
    throw new SallyportError(
      'address_in_use',
      `a Connector already runs with the state directory ${stateDir}`,
    );
  };
  let server: Server | undefined;
  if (file !== undefined) {
    await refuseAt(file);
    await rm(file, { force: true }).catch(() => {});
    server = await listen(file, health);
  }
  // Any user of the machine may take an abstract address: where a file will do, it is not even asked.
  if (server === undefined && abstract !== undefined) {
    await refuseAt(abstract);
    server = await listen(abstract, health);
  }
  return { close: () => void server?.close() };
}

/** The command. Exit 0 when connected, 1 when not or not running. */
export async function runHealth(
  config: Pick<HealthConfig, 'stateDir' | 'json'>,
  host: Pick<Host, 'print'>,
): Promise<number> {
  const { file, abstract } = addresses(config.stateDir);
  const text = (file && (await ask(file))) ?? (abstract && (await ask(abstract)));
  if (!text) {
    const problem = `no Connector is running with the state directory ${config.stateDir}`;
    host.print(config.json ? `${JSON.stringify({ healthy: false, problems: [problem] })}\n` : `${problem}\n`);
    return exitCodes.failure.number;
  }
  const health = JSON.parse(text) as Health;
  host.print(config.json ? `${JSON.stringify(health)}\n` : sentences(health));
  return health.healthy ? exitCodes.ok.number : exitCodes.failure.number;
}

function sentences(health: Health): string {
  const { controller, acl } = health;
  const heard = controller.heard_s === null ? 'never heard' : `heard ${controller.heard_s} s ago`;
  return [
    health.healthy ? 'healthy' : `not healthy: ${health.problems.join('; ')}`,
    `controller: ${controller.state}, ${heard}${controller.code ? ` (${controller.code})` : ''}`,
    ...health.relays.map(({ url, state, code }) => `relay ${url}: ${state}${code ? ` (${code})` : ''}`),
    `acl: version ${acl.version ?? 'none'}, ${acl.resources} Resources${acl.stale ? ', stale' : ''}`,
    `tunnels: ${health.tunnels}, ${health.tunnels_direct} of them direct, flows: ${health.flows}, events waiting: ${health.events_waiting}`,
    `load: ${health.load}, ${Math.round(health.utilisation * 100)} % in use, weight ${health.weight}`,
    '',
  ].join('\n');
}

function listen(address: string, health: () => Health): Promise<Server | undefined> {
  return new Promise((done) => {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.end(JSON.stringify(health()));
    });
    server.maxConnections = 16;
    server.once('error', () => done(undefined));
    server.listen(address, () => done(server));
    server.unref();
  });
}

/** @returns undefined when nobody answers there. */
function ask(address: string): Promise<string | undefined> {
  return new Promise((done) => {
    let text = '';
    const socket = connect(address);
    socket.setTimeout(answerMs, () => socket.destroy(new Error('timeout')));
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      text += chunk;
      if (text.length > longestAnswer) socket.destroy(new Error('too long'));
    });
    socket.on('error', () => done(undefined));
    socket.on('end', () => done(text || undefined));
  });
}
