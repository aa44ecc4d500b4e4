/**
 * Asks a relay what it sees of one local port (`GET /relay/v1/observe`): behind a NAT that maps a port alike
 * for everybody, that is where a peer can reach it. The connection stays open until the caller closes it, so
 * that the NAT does not forget. Used by `gather.ts`.
 */
import { lookup } from 'node:dns/promises';
import { isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { RelayEntry } from '#schema/control/messages.ts';
import type { Candidate } from '#schema/path/candidates.ts';
import { observed, observePath } from '#schema/relay/wire.ts';
import { Agent, request } from '../../process/http.ts';
import type { PathPort } from './port.ts';

export interface Observation {
  /** Undefined when the relay does not tell, or cannot be reached from this port. */
  candidate: Candidate | undefined;
  close(): void;
}

const answerLimit = 1024;

/** Never throws: who cannot be told does without. */
export async function observe(port: PathPort, relay: RelayEntry, signal: AbortSignal): Promise<Observation> {
  let socket: Socket | undefined;
  const close = () => void socket?.destroy();
  signal.addEventListener('abort', close, { once: true });
  const done = (candidate?: Candidate): Observation => {
    signal.removeEventListener('abort', close);
    if (candidate === undefined) close();
    return { candidate, close };
  };
  try {
    const url = new URL(relay.url.replace(/\/+$/, '') + observePath);
    const secure = url.protocol === 'https:';
    const host = url.hostname.replace(/^\[|\]$/g, '');
    const address = await addressOf(host, port.family);
    if (address === undefined || signal.aborted) return done();
    socket = port.connect({ address, port: Number(url.port) || (secure ? 443 : 80) });
    const carried = secure ? connectTls({ socket, servername: isIP(host) ? '' : host, host }) : socket;
    socket.on('error', close);
    carried.on('error', close);
    const seen = observed.safeParse(JSON.parse(await ask(url, carried)));
    return done(seen.success ? { kind: 'reflexive', ...seen.data } : undefined);
  } catch {
    return done();
  }
}

async function addressOf(host: string, family: 4 | 6): Promise<string | undefined> {
  if (isIP(host)) return isIP(host) === family ? host : undefined;
  return (await lookup(host, { family })).address;
}

function ask(url: URL, socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    // With an agent that keeps it, the connection outlives the answer.
    const agent = Object.assign(new Agent({ keepAlive: true }), { createConnection: () => socket });
    const asked = request(url.href.replace(/^https:/, 'http:'), { agent }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => {
        text += part;
        if (text.length > answerLimit) asked.destroy(new Error('too long'));
      });
      response.on('end', () => (response.statusCode === 200 ? resolve(text) : reject(new Error('not told'))));
      response.on('error', reject);
    });
    socket.on('error', reject);
    asked.on('error', reject);
    asked.end();
  });
}
