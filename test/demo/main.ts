/**
 * `npm run demo`: a whole Sallyport on this machine, every part real and a process of its own, with a
 * private page that only the Connector can reach. Prints each step, then a curl line that works and one
 * that is denied, and runs until Ctrl-C.
 */
import { rm } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { narrator } from './narrate.ts';
import { requestThrough } from './request.ts';
import { demoDefaults, startDemo } from './start.ts';

const help = `Usage: npm run demo -- [options]

  --once           do the allowed and the denied request, then exit: 0 when both went as they should
  --json           print one JSON object per line instead of text
  --fresh          forget the state of an earlier run (${demoDefaults.stateDir}/)
  --port-base N    first of the ports used (default ${demoDefaults.portBase}: Controller N, relay N+1, origin N+2,
                   demo users N+4; the proxy is N+3, or 9999 when N is not given)
  --help           this text
`;

const { values: flags } = parseArgs({
  options: {
    once: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    fresh: { type: 'boolean', default: false },
    'port-base': { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

if (flags.help) {
  process.stdout.write(help);
  process.exit(0);
}
const portBase = flags['port-base'] === undefined ? undefined : Number(flags['port-base']);
if (portBase !== undefined && !(Number.isInteger(portBase) && portBase >= 1024 && portBase <= 65_500)) {
  fail('--port-base takes a number from 1024 to 65500.', 2);
}

const stateDir = portBase === undefined ? demoDefaults.stateDir : `${demoDefaults.stateDir}-${portBase}`;
if (flags.fresh) await rm(stateDir, { recursive: true, force: true });

const say = narrator(flags.json);
const interrupted = new Promise<void>((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => resolve());
});

const demo = await startDemo({ stateDir, ...(portBase !== undefined && { portBase }) }, say.step).catch(
  (error: Error) => fail(error.message, 1),
);
say.ready(demo.facts);

let exitCode = 0;
if (flags.once) {
  const allowed = await requestThrough(demo.facts.proxy, demo.facts.allowed_url);
  const denied = await requestThrough(demo.facts.proxy, demo.facts.denied_url);
  say.request('allowed', demo.facts.allowed_url, allowed);
  say.request('denied', demo.facts.denied_url, denied);
  exitCode = allowed.status === 200 && denied.status === 403 ? 0 : 1;
} else {
  await interrupted;
}
await demo.stop();
process.exit(exitCode);

function fail(message: string, code: number): never {
  process.stderr.write(`demo: ${message}\n`);
  process.exit(code);
}
