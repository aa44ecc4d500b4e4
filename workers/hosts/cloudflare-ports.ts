/**
 * The Controller's ports on Cloudflare: D1, Durable Objects, WebCrypto and the rate-limit bindings. Made
 * once per isolate, for the Worker (`cloudflare.ts`) and for each Durable Object alike.
 */

import { waitUntil } from 'cloudflare:workers';
import { drizzle } from 'drizzle-orm/d1';
import * as tables from '#schema/db/tables.ts';
import { SallyportError } from '#schema/errors.ts';
import { createChannels } from '#workers/control-channel/channels.ts';
import { describeFault } from '#workers/controller/describe-fault.ts';
import type { Limiter, Log, Ports } from '#workers/controller/ports.ts';
import type { Bindings } from './bindings.ts';
import { cutAtEdge, edgeRelayId } from './cut-at-edge.ts';
import { createVault } from './vault.ts';

let made: Promise<Ports> | undefined;

/** The same ports for every request of an isolate: bindings do not change while it lives. */
export function portsOf(bindings: Bindings): Promise<Ports> {
  made ??= createPorts(bindings);
  return made;
}

/** What a deployment may have forgotten. @throws SallyportError `config_invalid` that names it. */
function check(bindings: Bindings): void {
  for (const name of ['SALLYPORT_KEK', 'SALLYPORT_OPERATOR_TOKEN', 'SALLYPORT_BASE_URL'] as const) {
    if (!bindings[name]) throw new SallyportError('config_invalid', `${name} is not set`);
  }
  if (bindings.SALLYPORT_OPERATOR_TOKEN.length < 32) {
    throw new SallyportError('config_invalid', 'SALLYPORT_OPERATOR_TOKEN is shorter than 32 characters');
  }
  if (!/^https?:\/\/[^/?#]+/.test(bindings.SALLYPORT_BASE_URL)) {
    throw new SallyportError('config_invalid', 'SALLYPORT_BASE_URL is not an http(s) URL');
  }
}

async function createPorts(bindings: Bindings): Promise<Ports> {
  check(bindings);
  const baseUrl = bindings.SALLYPORT_BASE_URL.replace(/\/+$/, '');
  const database = drizzle(bindings.DATABASE, { schema: tables });
  const clock = () => Date.now();
  const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));
  const log = consoleLog;
  return {
    database,
    channels: createChannels(bindings.CONTROL, {
      database,
      log,
      cutAtEdge: (tenant, order) => cutAtEdge(bindings.RELAY, { database, clock }, tenant, order),
    }),
    clock,
    random,
    vault: createVault(bindings.SALLYPORT_KEK),
    limiter: bindingLimiter(bindings),
    log,
    defer: (work) =>
      waitUntil(work.catch((error) => log('error', 'deferred_work_failed', { error: describeFault(error) }))),
    assets: (path) => bindings.ASSETS.fetch(new URL(path, 'https://assets.invalid')),
    settings: {
      baseUrl,
      operatorTokenHash: await sha256(bindings.SALLYPORT_OPERATOR_TOKEN),
      edgeRelays: [{ id: edgeRelayId, url: baseUrl, carriers: ['websocket'], edge: true }],
      longestTokenLife: longestTokenLife(bindings),
    },
  };
}

function longestTokenLife({ SALLYPORT_DEBUG_TOKEN_LIFETIME_S: seconds }: Bindings): number {
  if (!seconds) return Number.POSITIVE_INFINITY;
  if (/^[1-9]\d{0,5}$/.test(seconds)) return Number(seconds);
  throw new SallyportError('config_invalid', 'SALLYPORT_DEBUG_TOKEN_LIFETIME_S is no number of seconds');
}

const bindingLimiter = ({ API_LIMIT, FAILED_LOGIN_LIMIT }: Bindings): Limiter => ({
  async allow(bucket, key) {
    const binding = bucket === 'api' ? API_LIMIT : FAILED_LOGIN_LIMIT;
    return (await binding.limit({ key })).success;
  },
});

/** One JSON object per line. Tokens, keys and addresses of Resources are never among the fields above debug. */
const consoleLog: Log = (level, event, fields = {}) => {
  console[level](JSON.stringify({ time: new Date().toISOString(), level, event, ...fields }));
};

async function sha256(text: string): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)));
  return btoa(String.fromCharCode(...digest))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}
