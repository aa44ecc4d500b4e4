/**
 * How the commands `status`, `resources` and `report` reach the running Client: HTTP over a Unix socket in
 * the state directory, for its owner alone. This file is both ends. A Client that cannot have its socket
 * (read-only container, a second Client with the same directory) does without and says so.
 */
import { chmod, mkdir, rm } from 'node:fs/promises';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createServer, request } from '#node-agents/process/http.ts';
import type { Log } from '#node-agents/process/log.ts';
import { SallyportError } from '#schema/errors.ts';

/** Path → what to answer as JSON. */
export type LocalAnswers = Readonly<Record<`/${string}`, () => unknown>>;

const socketOf = (stateDir: string): string => join(stateDir, 'client.sock');
/** sun_path of unix(7), with its final zero. */
const longestSocketPath = 107;
const answerMs = 5_000;

/** @returns undefined when there can be none. */
export async function serveLocalApi(
  stateDir: string,
  answers: LocalAnswers,
  log: Log,
): Promise<Server | undefined> {
  const path = socketOf(stateDir);
  const server = createServer((asked, response) => {
    const answer = answers[asked.url as `/${string}`];
    response.writeHead(answer ? 200 : 404, { 'content-type': 'application/json' });
    response.end(answer ? JSON.stringify(answer()) : '{}');
  });
  try {
    if (Buffer.byteLength(path) > longestSocketPath)
      throw new Error(`${path} is too long for a socket; pass a shorter --state-dir`);
    await mkdir(stateDir, { recursive: true, mode: 0o700 });
    if (await answersAt(path)) throw new Error(`another Client answers at ${path}; pass another --state-dir`);
    await rm(path, { force: true });
    await listen(server, path);
    await chmod(path, 0o600);
    return server;
  } catch (error) {
    log.warn('local_api_unavailable', { reason: (error as Error).message });
    server.close();
    return undefined;
  }
}

/** @throws SallyportError not_running. */
export function askClient<T>(stateDir: string, path: `/${string}`): Promise<T> {
  const socketPath = socketOf(stateDir);
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EACCES' ? 'it belongs to another user' : `nothing answers at ${socketPath}`;
      reject(new SallyportError('not_running', `sallyportd is not running here: ${why}`, { cause: error }));
    };
    const asked = request({ socketPath, path, timeout: answerMs }, async (response) => {
      try {
        let text = '';
        for await (const chunk of response.setEncoding('utf8')) text += chunk;
        resolve(JSON.parse(text) as T);
      } catch (error) {
        fail(error as Error);
      }
    });
    asked.on('timeout', () => asked.destroy(new Error('timeout')));
    asked.on('error', fail).end();
  });
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** A socket file outlives a Client that was killed. */
function answersAt(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.on('connect', () => resolve(true)).on('error', () => resolve(false));
    probe.on('connect', () => probe.destroy());
  });
}
