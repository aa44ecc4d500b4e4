/**
 * Runs the Controller on this machine: the very Worker of a deployment in an embedded workerd, with its
 * database and Durable Objects kept in a state directory. `main.ts` makes a command of it; tests and the
 * demo may call it in their own process.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SallyportError } from '#schema/errors.ts';
import { bundle } from './bundle.ts';
import { consoleFiles } from './console-files.ts';
import { migrate } from './migrate.ts';
import { noteWorkerd, reapOrphan, workerdChildren } from './orphan.ts';
import { keepSecrets } from './secrets.ts';

export interface ControllerOptions {
  host?: string;
  /** A free one when absent. */
  port?: number;
  /** Database, Durable Objects and secrets; a temporary folder, removed by `stop`, when absent. */
  stateDir?: string;
  /** Where others reach it, when that is not `http://host:port`. */
  baseUrl?: string;
  /** Receives each line that the Worker logs; default: standard error. */
  onLog?: (line: string) => void;
  /** Milliseconds between two runs of the Worker's `scheduled` handler, which nothing else starts locally. */
  cleanEveryMs?: number;
  /** Seconds that no token outlives, to watch renewals; it can only shorten lives. */
  longestTokenLife?: number;
}

export interface RunningController {
  url: string;
  operatorToken: string;
  operatorTokenFile: string;
  stop(): Promise<void>;
  /** Runs the Worker's `scheduled` handler now. */
  clean(): Promise<void>;
  /** D1 itself, for tests. */
  database(): Promise<LocalDatabase>;
  /** Puts a Durable Object out of memory, its WebSockets hibernating; for tests. */
  evict(className: 'ControlChannel' | 'Relay', name: string): Promise<void>;
}

/** The part of D1 that tests use. */
export interface LocalDatabase {
  prepare(sql: string): LocalStatement;
  batch(statements: LocalStatement[]): Promise<unknown>;
}
export interface LocalStatement {
  bind(...values: unknown[]): LocalStatement;
  run(): Promise<unknown>;
  all<Row = Record<string, unknown>>(): Promise<{ results: Row[] }>;
}

const workerName = 'sallyport';
export const entry = 'workers/hosts/cloudflare.ts';

/** @throws SallyportError `address_in_use`, `state_unreadable` or `state_permissions`. */
export async function startController(options: ControllerOptions = {}): Promise<RunningController> {
  const host = options.host ?? '127.0.0.1';
  const temporary = options.stateDir === undefined;
  const stateDir = options.stateDir ?? (await mkdtemp(join(tmpdir(), 'sallyport-controller-')));
  await reapOrphan(stateDir);
  const port = await freePort(host, options.port ?? 0);
  const url = hostUrl(host, port);
  const [secrets, script, { convertV4MiniflareOptions, Log, LogLevel, Miniflare }] = await Promise.all([
    keepSecrets(stateDir),
    bundle(entry, temporary ? join(tmpdir(), `sallyport-bundle-${process.getuid?.() ?? 0}`) : stateDir),
    import('miniflare'),
  ]);
  await mkdir(join(stateDir, 'tmp'), { recursive: true });
  const before = await workerdChildren();
  const write = options.onLog ?? ((line: string) => process.stderr.write(`${line}\n`));

  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      host,
      port,
      cf: false,
      telemetry: { enabled: false },
      logRequests: false,
      log: new Log(LogLevel.WARN),
      handleStructuredLogs: ({ message }) => write(message),
      resourcePersistencePath: join(stateDir, 'data'),
      resourceTmpPath: join(stateDir, 'tmp'),
      name: workerName,
      modules: true,
      script,
      compatibilityDate: '2026-10-01',
      bindings: {
        SALLYPORT_KEK: secrets.kek,
        SALLYPORT_OPERATOR_TOKEN: secrets.operatorToken,
        SALLYPORT_BASE_URL: (options.baseUrl ?? url).replace(/\/+$/, ''),
        ...(options.longestTokenLife !== undefined && {
          SALLYPORT_DEBUG_TOKEN_LIFETIME_S: String(options.longestTokenLife),
        }),
      },
      serviceBindings: { ASSETS: consoleFiles },
      d1Databases: { DATABASE: 'sallyport' },
      durableObjects: {
        CONTROL: { className: 'ControlChannel', useSQLite: true },
        RELAY: { className: 'Relay', useSQLite: true },
      },
      ratelimits: {
        API_LIMIT: { namespace_id: '1001', simple: { limit: 6000, period: 60 } },
        FAILED_LOGIN_LIMIT: { namespace_id: '1002', simple: { limit: 300, period: 60 } },
      },
    }),
  );

  let timer: NodeJS.Timeout | undefined;
  const clean = async () => {
    const worker = await miniflare.getWorker(workerName);
    await worker.scheduled({ cron: '*/5 * * * *' });
  };
  const stop = async () => {
    clearInterval(timer);
    await miniflare.dispose();
    await rm(temporary ? stateDir : join(stateDir, 'workerd.json'), { recursive: true, force: true });
  };

  try {
    await miniflare.ready;
    await noteWorkerd(stateDir, before);
    await migrate((await miniflare.getD1Database('DATABASE')) as unknown as LocalDatabase);
  } catch (error) {
    await stop();
    throw error;
  }
  timer = setInterval(() => {
    clean().catch((error) =>
      write(JSON.stringify({ level: 'error', event: 'cleaning_failed', error: String(error) })),
    );
  }, options.cleanEveryMs ?? 300_000);
  timer.unref();

  return {
    url,
    operatorToken: secrets.operatorToken,
    operatorTokenFile: secrets.operatorTokenFile,
    stop,
    clean,
    database: async () => (await miniflare.getD1Database('DATABASE')) as unknown as LocalDatabase,
    evict: (className, name) =>
      miniflare.unsafeEvictDurableObject(workerName, className, { name, webSockets: 'hibernate' }),
  };
}

export const hostUrl = (host: string, port: number): string =>
  `http://${host.includes(':') ? `[${host}]` : host}:${port}`;

/** workerd would only die of a used port; this says which. */
async function freePort(host: string, port: number): Promise<number> {
  const probe = createServer();
  return new Promise((resolve, reject) => {
    probe.once('error', (cause: NodeJS.ErrnoException) => {
      const detail = cause.code === 'EADDRINUSE' ? `${host}:${port}` : `${host}:${port}: ${cause.message}`;
      reject(new SallyportError('address_in_use', detail, { cause }));
    });
    probe.listen({ host, port, exclusive: true }, () => {
      const found = (probe.address() as { port: number }).port;
      probe.close(() => resolve(found));
    });
  });
}
