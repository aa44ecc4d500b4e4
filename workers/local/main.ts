#!/usr/bin/env node
/**
 * `npm run controller`: the Controller on one machine. Prints one line of JSON when it answers, with a one-time
 * setup code while there is no Tenant; logs JSON lines to standard error, and ends cleanly on SIGTERM or SIGINT.
 */
import { parseArgs } from 'node:util';
import { SallyportError } from '#schema/errors.ts';
import { demoClientId, startDemoPeople } from './demo-people.ts';
import { offerSetup } from './offer-setup.ts';
import { hostUrl, startController } from './start.ts';

const help = `Usage: npm run controller -- [options]

  --host ADDR       address to listen on (default 127.0.0.1)         SALLYPORT_HOST
  --port N          port to listen on (default 8787)                 SALLYPORT_PORT
  --state-dir DIR   database, channels, secrets (default .sallyport/controller)
                                                                     SALLYPORT_STATE_DIR
  --base-url URL    where agents and administrators reach it         SALLYPORT_BASE_URL
                    (default http://ADDR:N)
  --demo-people N   an OpenID provider with demo users, who have no passwords, on 127.0.0.1 port N: to try
                    things out, with an address of this machine alone  SALLYPORT_DEMO_PEOPLE

While there is no Tenant, each start prints a setup code: open the setup page that it names and type the code
there, within an hour.

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
      'demo-people': { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) {
    process.stdout.write(help);
    return 0;
  }
  const { env } = process;
  const port = portOf('--port', values.port ?? env.SALLYPORT_PORT ?? '8787');
  const demo = values['demo-people'] ?? env.SALLYPORT_DEMO_PEOPLE;
  const demoPort = demo === undefined ? undefined : portOf('--demo-people', demo);
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
  const host = values.host ?? env.SALLYPORT_HOST ?? '127.0.0.1';
  // Whoever picks a demo user is one: nobody else's machine may have a part in it.
  if (demoPort !== undefined && !isLoopback(new URL(baseUrl ?? hostUrl(host, 1)).hostname))
    throw new SallyportError('config_invalid', '--demo-people: only on an address of this machine alone');
  const started = startController({
    host,
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
  const reached = (baseUrl ?? controller.url).replace(/\/+$/, '');
  const setup = await offerSetup(controller);
  say('controller_ready', {
    url: controller.url,
    operator_token_file: controller.operatorTokenFile,
    ...(setup && {
      setup_url: `${reached}/setup`,
      setup_code: setup.code,
      setup_code_expires_at: setup.expires_at,
    }),
  });
  if (setup && process.stdout.isTTY) process.stdout.write(firstRun(`${reached}/setup`, setup.code));
  // Afterwards: nothing of the Controller waits for it.
  const provider = demoPort === undefined ? undefined : await startDemoPeople(demoPort, reached);
  if (provider) say('demo_people_ready', { issuer: provider.issuer, client_id: demoClientId });
  await ended;
  await Promise.all([provider?.stop(), controller.stop()]);
  return 0;
}

const say = (event: string, fields: object) =>
  process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`);

const firstRun = (url: string, code: string) => `
There is no Tenant yet. Open ${url} and type this code there, within an hour:

  ${code}

`;

function portOf(flag: string, text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65535) return port;
  throw new SallyportError('config_invalid', `${flag} ${text}: not a port`);
}

const isLoopback = (hostname: string): boolean =>
  hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);

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
