/**
 * The Client: reads the Service Key, logs in while it opens the listeners, and runs until it is told to end or its
 * credential is dead. A program's connection comes in by a listener (`http-proxy.ts`, `socks5.ts`,
 * `forward.ts`), is routed by `flow.ts` and leaves through a tunnel (`tunnels.ts`) or straight out.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Outward } from '#node-agents/link/outward.ts';
import type { PathPort } from '#node-agents/link/path/port.ts';
import { type ClientConfig, readListenSockets } from '#node-agents/process/config.ts';
import type { Host } from '#node-agents/process/host.ts';
import { version } from '#node-agents/process/version.ts';
import { SallyportError } from '#schema/errors.ts';
import { mintId, timeOrdered } from '#schema/ids.ts';
import { tcpDestination, udpDestination } from './destination.ts';
import { createOpen, createOpenBy } from './flow.ts';
import { createForward } from './forward.ts';
import { answerHealth } from './http/health.ts';
import { createHttpProxy } from './http-proxy.ts';
import { watchKeyFile } from './key-watch.ts';
import { Listeners } from './listeners.ts';
import { serveLocalApi } from './local-api.ts';
import type { Open } from './opening.ts';
import { parseCredentials } from './password.ts';
import { whyNotReachable, whyNotReady } from './readiness.ts';
import { Refusals } from './refusals.ts';
import { rememberingLog } from './report.ts';
import { loadServiceKey } from './service-key.ts';
import { Sessions } from './sessions.ts';
import { resourcesOf, type Snapshot, snapshotOf } from './snapshot.ts';
import type { Transparent } from './tun/transparent.ts';
import { Associations } from './udp/associations.ts';
import { openDirect } from './udp/direct.ts';

/** For flows that are under way when the Client is asked to end. */
const drainMs = 3_000;
/** Until what a killed daemon left is looked for, which takes as long as a login. */
const leftBehindAfterMs = 500;
/** For the first login, of those who came while this Client was not running. */
const patienceMs = 10_000;

/**
 * Resolves after an orderly end.
 * @throws SallyportError whatever ends it otherwise; `process/exit.ts` has the exit codes.
 */
export async function runClient(config: ClientConfig, processHost: Host): Promise<void> {
  const memory = rememberingLog(processHost.log, processHost.now);
  const host: Host = { ...processHost, log: memory.log };
  const { log } = host;
  const readKey = keyReader(config, host);
  const first = await readKey();
  if (!first.ok) throw new SallyportError(first.code, first.detail);
  const sessions = new Sessions(first.key, {
    ...{ host, readKey },
    outward: () => transparent && outward,
    openPorts: config.p2p === 'off' ? undefined : () => openPorts(transparent !== undefined),
    onAcls: () => void transparent?.follow(),
  });
  let transparent: Transparent | undefined;
  let outward: Outward | undefined;
  const handed = readListenSockets(process.pid);
  const listeners = new Listeners(handed);
  const started = host.monotonic();
  const facts = () => ({
    version,
    listeners: listeners.addresses,
    direct: config.direct,
    p2p: config.p2p,
    udp: associations.counts,
    tun: transparent?.status ?? null,
    refusals: refusals.latest,
    uptime_seconds: Math.round((host.monotonic() - started) / 1000),
  });
  const refusals = new Refusals(host.now);
  const loggedIn = Promise.withResolvers<void>();
  const opening = {
    ...openOptions(config, host, sessions),
    refused: refusals.note,
    // Who connects to a socket that systemd holds does not know that nobody was here.
    ...(handed.size > 0 && {
      patience: () => Promise.race([loggedIn.promise, sleep(patienceMs, undefined, { ref: false })]),
    }),
  };
  const associations = new Associations({
    open: createOpenBy(opening, openDirect),
    onCut: refusals.note,
    now: host.monotonic,
    limits: { idleMs: config.udpTimeout * 1000 },
  });
  const status = () => snapshotOf(sessions, facts(), host.now());
  const stopped = stopOf(host.shutdown);
  // In transparent mode not before what it sends is marked as its own.
  const early = config.tun === 'off' ? sessions.start() : undefined;
  early?.catch(() => {}); // Heard below. What follows has time while the Controller thinks.
  try {
    await openListeners(config, listeners, sessions, { open: createOpen(opening), associations });
    if (config.metricsPort !== undefined) {
      const at = { host: '127.0.0.1', port: config.metricsPort };
      const { createMetrics } = await import('./metrics.ts');
      await listeners.add('metrics', 'metrics-port', createMetrics(status), at);
    }
    listeners.refuseUnclaimed();
    if (config.tun !== 'off') {
      const idleMs = config.udpTimeout * 1000;
      const { tun: mode, gateway, dnsListen, dns, stateDir } = config;
      // What only some ways of running need is loaded only for them: a short start, and half the memory at rest.
      outward = (await import('./tun/own-sockets.ts')).markedOutward;
      const { startTransparent } = await import('./tun/start.ts');
      transparent = await startTransparent({
        mode,
        sessions,
        host,
        opening,
        idleMs,
        gateway,
        dnsListen,
        dns,
        stateDir,
      });
    }
    if (transparent === undefined) void removeLeft(log);
    const login = early ?? sessions.start();
    login.catch(() => {});
    const localApi = await serveLocalApi(
      config.stateDir,
      {
        '/status': status,
        '/resources': () => resourcesOf(sessions),
        '/report': () => ({
          config: withoutDestinations(config),
          status: withoutRefused(status()),
          log: memory.lines(),
        }),
      },
      log,
    );
    const stopReloading = reloadOn(config, host, sessions);
    try {
      const ready = login.then(async () => {
        loggedIn.resolve();
        await transparent?.follow();
        if (host.shutdown.aborted) return;
        log.info('client_ready', { listeners: listeners.addresses, version });
        host.tell({ ready: true, status: '`sallyportd status` tells how it stands' });
      });
      await Promise.race([stopped, sessions.ended, ready.then(() => stopped)]);
    } finally {
      stopReloading();
      localApi?.close();
    }
  } finally {
    host.tell({ stopping: true });
    await listeners.close(host.shutdown.aborted ? drainMs : 0);
    associations.close();
    await transparent?.close();
    sessions.close();
  }
}

/** Of a daemon in transparent mode that was killed: nobody else would open again what it has closed. */
async function removeLeft(log: Host['log']): Promise<void> {
  await sleep(leftBehindAfterMs, undefined, { ref: false });
  try {
    const { removeLeftBehind } = await import('#node-agents/os/left-behind.ts');
    const removed = await removeLeftBehind();
    if (removed.length > 0) log.warn('left_behind_removed', { removed });
  } catch (error) {
    log.debug('left_behind', { error });
  }
}

/** Loaded when the first direct path is wanted. In transparent mode what goes to a Connector must not come back to us. */
async function openPorts(marked: boolean): Promise<PathPort[]> {
  const [{ openPathPorts }, { ownMark }] = await Promise.all([
    import('#node-agents/os/path-port.ts'),
    import('#node-agents/os/route-plan.ts'),
  ]);
  return openPathPorts(marked ? ownMark : undefined);
}

/** Standard input and the environment are what they were at the start; a file is read again each time. */
function keyReader({ serviceKey }: ClientConfig, { readInput }: Host) {
  let kept: ReturnType<typeof loadServiceKey> | undefined;
  return () => {
    if (serviceKey.from === 'file') return loadServiceKey(serviceKey, readInput);
    kept ??= loadServiceKey(serviceKey, readInput);
    return kept;
  };
}

function reloadOn({ serviceKey }: ClientConfig, { onReload }: Host, sessions: Sessions): () => void {
  const offSignal = onReload(() => void sessions.reload('SIGHUP'));
  const offFile =
    serviceKey.from === 'file'
      ? watchKeyFile(serviceKey.path, () => void sessions.reload('file changed'))
      : () => {};
  return () => {
    offSignal();
    offFile();
  };
}

function openOptions({ direct }: ClientConfig, { log, now, random }: Host, sessions: Sessions) {
  const nowMs = () => sessions.current?.clock.now() ?? now();
  return {
    access: () => sessions.current,
    waitingFor: () => sessions.waitingFor,
    direct,
    nowMs,
    connectionId: () => mintId('connection', timeOrdered(nowMs(), random(16))),
    report(event: Parameters<Parameters<typeof createOpen>[0]['report']>[0]) {
      const session = sessions.current;
      if (session === undefined) return;
      session.outbox.add({
        id: mintId('event', timeOrdered(nowMs(), random(16))),
        at: Math.round(nowMs()),
        principal: session.key.principal,
        key: session.key.keyId,
        instance: session.instance,
        path: 'none',
        ...{ bytes_up: 0, bytes_down: 0, duration_ms: 0 },
        ...event,
      });
    },
    log,
  };
}

async function openListeners(
  config: ClientConfig,
  listeners: Listeners,
  sessions: Sessions,
  ways: { open: Open; associations: Associations },
): Promise<void> {
  const { open, associations } = ways;
  const credentials = config.proxyPassword && parseCredentials(config.proxyPassword.reveal());
  const guarded = { ...ways, ...(credentials && { credentials }) };
  if (config.httpProxy) {
    const health = {
      whyNotReady: () => whyNotReady(sessions),
      whyNotReachable: (resource: string) => whyNotReachable(sessions, resource),
    };
    const proxy = createHttpProxy({
      ...guarded,
      local: (request, response, authorized) => void answerHealth(health, request, response, authorized),
    });
    await listeners.add('http_proxy', 'http-proxy', proxy, config.httpProxy);
  }
  if (config.socks5) {
    const { createSocks5 } = await import('./socks5.ts');
    await listeners.add('socks5', 'socks5', createSocks5(guarded), config.socks5);
  }
  for (const [i, { protocol, listen, host, port }] of config.forward.entries()) {
    const target = protocol === 'tcp' ? tcpDestination(host, port) : udpDestination(host, port);
    if (!target.ok) throw new SallyportError('config_invalid', `--forward ${host}:${port}: ${target.detail}`);
    const { destination } = target;
    // By number: the name goes into the log, where Resources have no place.
    const name = `forward_${i + 1}`;
    if (destination.protocol === 'tcp') {
      await listeners.add(name, 'forward', createForward({ open, destination }), listen);
    } else {
      const { createUdpForward } = await import('./udp/forward.ts');
      const socket = createUdpForward({ associations, destination, host: listen.host });
      await listeners.addDatagrams(name, 'forward', socket, listen);
    }
  }
}

const withoutDestinations = ({ forward, ...config }: ClientConfig) => ({
  ...config,
  forward: forward.map(({ listen }) => listen),
});

/** A report names no destination. */
const withoutRefused = ({ refusals, ...status }: Snapshot) => ({
  ...status,
  refusals: refusals.map(({ at, times, code, protocol, port }) => ({ at, times, code, protocol, port })),
});

function stopOf(shutdown: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (shutdown.aborted) return resolve();
    shutdown.addEventListener('abort', () => resolve(), { once: true });
  });
}
