#!/usr/bin/env node
/**
 * `npm run controller`: the Controller on one machine. Prints one line of JSON when it answers, logs JSON
 * lines to standard error, and ends cleanly on SIGTERM or SIGINT.
 */
import { parseArgs } from 'node:util';
import { SallyportError } from '#schema/errors.ts';
import { startController } from './start.ts';

const help = `Usage: npm run controller -- [options]

  --host ADDR       address to listen on (default 127.0.0.1)         SALLYPORT_HOST
  --port N          port to listen on (default 8787)                 SALLYPORT_PORT
  --state-dir DIR   database, channels, secrets (default .sallyport/controller)
                                                                     SALLYPORT_STATE_DIR
  --base-url URL    where agents and administrators reach it         SALLYPORT_BASE_URL
                    (default http://ADDR:N)

To watch agents renew what they hold: SALLYPORT_DEBUG_TOKEN_LIFETIME_S=N lets no token live longer than N
seconds and cleans as often. It can only shorten lives.
`;

const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      host: { type: 'string' },
      port: { type: 'string' },
      'state-dir': { type: 'string' },
      'base-url': { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) {
    process.stdout.write(help);
    return 0;
  }
  const { env } = process;
  const port = Number(values.port ?? env.SALLYPORT_PORT ?? 8787);
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    throw new SallyportError('config_invalid', `--port ${values.port}: not a port`);
  }
  const baseUrl = values['base-url'] ?? env.SALLYPORT_BASE_URL;
  if (baseUrl !== undefined && !/^https?:$/.test(URL.parse(baseUrl)?.protocol ?? '')) {
    throw new SallyportError('config_invalid', `--base-url ${baseUrl}: not an http(s) URL`);
  }
  const life = env.SALLYPORT_DEBUG_TOKEN_LIFETIME_S;
  if (life !== undefined && !/^[1-9]\d{0,5}$/.test(life)) {
    throw new SallyportError(
      'config_invalid',
      `SALLYPORT_DEBUG_TOKEN_LIFETIME_S=${life}: no number of seconds`,
    );
  }
  const started = startController({
    host: values.host ?? env.SALLYPORT_HOST ?? '127.0.0.1',
    port,
    stateDir: values['state-dir'] ?? env.SALLYPORT_STATE_DIR ?? '.sallyport/controller',
    ...(baseUrl !== undefined && { baseUrl }),
    ...(life !== undefined && { longestTokenLife: Number(life), cleanEveryMs: Number(life) * 1000 }),
  });
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  const end = () => resolve();
  for (const signal of signals) process.on(signal, end);
  const controller = await started;
  // Miniflare's own handlers would kill workerd where it stands.
  for (const signal of signals) {
    for (const other of process.listeners(signal)) if (other !== end) process.removeListener(signal, other);
  }
  const ready = {
    event: 'controller_ready',
    url: controller.url,
    operator_token_file: controller.operatorTokenFile,
  };
  process.stdout.write(`${JSON.stringify(ready)}\n`);
  await ended;
  await controller.stop();
  return 0;
}

try {
  process.exit(await main());
} catch (error) {
  const usage = error instanceof TypeError && 'code' in error;
  if (!usage && !(error instanceof SallyportError)) throw error;
  const code = error instanceof SallyportError ? error.code : 'config_invalid';
  process.stderr.write(
    `${JSON.stringify({ level: 'error', event: 'controller_failed', code, detail: error.message })}\n`,
  );
  process.exit(code === 'address_in_use' ? 6 : code === 'config_invalid' ? 2 : 4);
}
