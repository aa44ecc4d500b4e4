/**
 * A relay as a Node process: `startRelay` puts the parts together, `runRelay` is what `sallyportd relay`
 * does with them until it is asked to end. Then it refuses whoever is new, tells Connectors when to come
 * back, lets sessions finish for a while and closes the rest.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { createSecureContext } from 'node:tls';
import { SallyportError } from '#schema/errors.ts';
import type { SwitchLimits } from '#schema/relay/switch.ts';
import type { RelayConfig } from '../process/config.ts';
import type { Host } from '../process/host.ts';
import type { Log } from '../process/log.ts';
import type { Random } from '../process/random.ts';
import type { CallerLimits } from './callers.ts';
import { type ControlLink, logIn } from './control.ts';
import { Exchange } from './exchange.ts';
import { createListener } from './http.ts';
import { KeySource } from './jwks.ts';
import { listen, serveMetrics } from './metrics.ts';

export interface RelayOptions {
  listen: { host: string; port: number };
  /** Public URL; by default the address that is listened on. */
  url?: string;
  /** URLs below which those who issue tokens must lie. */
  issuers: readonly string[];
  tls?: { cert: string | Buffer; key: string | Buffer } | undefined;
  limits?: Partial<SwitchLimits>;
  callerLimits?: Partial<CallerLimits>;
  /** Serves `/metrics` on loopback. */
  metricsPort?: number | undefined;
  now: () => number;
  random: Random;
  log: Log;
  /** Told on `/readyz`; null where the relay has no Controller. */
  controlState?: () => string | null;
}

export interface Relay {
  url: string;
  exchange: Exchange;
  /** Announces the end, waits until all sessions are over or `graceMs` have passed, and closes. */
  drain(graceMs: number): Promise<void>;
  stop(): Promise<void>;
}

/** What Connectors are told: come back soon, for as long as a restart may take. */
const reconnectInMs = 1_000;
const tryForMs = 120_000;
/** Milliseconds that sessions get to finish after SIGTERM; containers are killed after ten seconds. */
const drainMs = 8_000;

/** @throws SallyportError address_in_use, config_invalid. */
export async function startRelay(o: RelayOptions): Promise<Relay> {
  const exchange = new Exchange(o);
  let draining = false;
  const page = (path: string) => {
    if (path === '/livez') return { status: 200, body: { live: true } };
    if (path !== '/readyz') return null;
    return { status: draining ? 503 : 200, body: { ready: !draining, control: o.controlState?.() ?? null } };
  };
  // The system may choose the port, so that the listener learns its own URL late.
  const settings = { ...o, url: o.url ?? 'http://[::]', exchange, issuers: new KeySource(o), page };
  const { server, refused, callers } = createListener(settings);
  const port = await listen(server, o.listen.host, o.listen.port);
  if (o.url === undefined) settings.url = `${o.tls ? 'https' : 'http'}://${bracketed(o.listen.host)}:${port}`;
  const counts = () => ({
    ...exchange.counts,
    unknown_callers: callers.unknown,
    refused: Object.fromEntries(refused),
    rss_bytes: process.memoryUsage.rss(),
  });
  const metrics = o.metricsPort === undefined ? null : await serveMetrics(o.metricsPort, counts);

  const stop = async () => {
    metrics?.close();
    const closed = new Promise((resolve) => server.close(resolve));
    exchange.stop();
    server.closeAllConnections();
    await closed;
  };
  return {
    url: settings.url,
    exchange,
    stop,
    async drain(graceMs) {
      draining = true;
      exchange.drain(reconnectInMs, tryForMs);
      const over = AbortSignal.timeout(graceMs);
      while (exchange.counts.sessions > 0 && !over.aborted) await pause(50);
      await stop();
    },
  };
}

/** @throws SallyportError what ends the process: a dead credential, an address in use, an unusable state. */
export async function runRelay(config: RelayConfig, host: Host): Promise<void> {
  const { log, random, shutdown } = host;
  const tls = tlsOf(config);
  const loggedIn = await logIn(config, host);
  if (loggedIn === null) return;
  const { now } = loggedIn;
  const { listen: address, url, metricsPort } = config;
  let control: ControlLink | null = null;
  const controlState = () => control?.state ?? null;
  const issuers = [config.controllerUrl, ...config.issuers];
  const relay = await startRelay({
    ...{ listen: address, url, metricsPort, issuers, now, random, log, controlState },
    ...(tls && { tls }),
  });
  control = loggedIn.open((order) => relay.exchange.revoke(order));
  log.info('relay_ready', { relay: loggedIn.id, url, listen: `${bracketed(address.host)}:${address.port}` });
  const end = await Promise.race([aborted(shutdown), control.dead]);
  log.info('relay_draining', { ...relay.exchange.counts });
  // Sessions are over when their agents have moved on; without a credential there is nothing to wait for.
  await relay.drain(end === null ? drainMs : 0);
  control.close();
  if (end !== null) throw end;
}

function tlsOf({ tlsCert, tlsKey }: RelayConfig): RelayOptions['tls'] {
  if (tlsCert === undefined || tlsKey === undefined) return undefined;
  const read = (path: string) => {
    try {
      return readFileSync(path);
    } catch (cause) {
      throw new SallyportError('config_invalid', `${path} cannot be read`, { cause });
    }
  };
  const tls = { cert: read(tlsCert), key: read(tlsKey) };
  try {
    createSecureContext(tls);
  } catch (cause) {
    const detail = `${tlsCert} and ${tlsKey} are not a certificate and its key: ${(cause as Error).message}`;
    throw new SallyportError('config_invalid', detail, { cause });
  }
  return tls;
}

const aborted = (signal: AbortSignal): Promise<null> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve(null);
    else signal.addEventListener('abort', () => resolve(null), { once: true });
  });

const bracketed = (host: string): string => (host.includes(':') ? `[${host}]` : host);
