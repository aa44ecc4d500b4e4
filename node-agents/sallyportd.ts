#!/usr/bin/env node
/**
 * `sallyportd`, the agents' one program: reads the command line, makes the real host (clock, randomness,
 * signals, log), starts the agent that is asked for and nothing else, and turns whatever ends it into one
 * line and an exit code. The agents themselves are in `client/`, `connector/` and `relay/`.
 */
import { keepCompiled } from './process/compile-cache.ts';
import { type Invocation, readInvocation, readKnobs, readNotifySocket } from './process/config.ts';
import { complaint, exitCodes, exitNameOf } from './process/exit.ts';
import { type Host, type News, realHost } from './process/host.ts';
import { createLog, type Log } from './process/log.ts';
import { onShutdown } from './process/shutdown.ts';

/** Commands that end in order when asked to; the others just end. */
const drains: ReadonlySet<string> = new Set(['client', 'connector', 'relay']);
/** Until an agent that stays may have something to give back. */
const restAfterMs = 4_000;
/** Milliseconds after an agent's end in which what it has left behind may close. */
const graceMs = 1_000;

let log: Log | undefined;

/** Each agent is loaded only when it runs: a short start matters to a job that needs one request. */
async function run(invocation: Invocation): Promise<void> {
  switch (invocation.command) {
    case 'help':
      return print((await import('./process/help.ts')).helpText(invocation.of));
    case 'version':
      return print(`sallyportd ${(await import('./process/version.ts')).version}\n`);
    case 'client':
      return (await import('./client/client.ts')).runClient(invocation.config, host(invocation));
    case 'connector':
      return (await import('./connector/connector.ts')).runConnector(invocation.config, host(invocation));
    case 'connector health':
      process.exitCode = await (await import('./connector/health.ts')).runHealth(
        invocation.config,
        host(invocation),
      );
      return;
    case 'relay':
      return (await import('./relay/relay.ts')).runRelay(invocation.config, host(invocation));
    case 'status':
      return (await import('./client/status.ts')).runStatus(invocation.config, host(invocation));
    case 'resources':
      return (await import('./client/resources.ts')).runResources(invocation.config, host(invocation));
    case 'login':
      return (await import('./client/login.ts')).runLogin(invocation.config, host(invocation));
    case 'setup':
      return (await import('./client/setup.ts')).runSetup(invocation.config, host(invocation));
    case 'report':
      return (await import('./client/report.ts')).runReport(invocation.config, host(invocation));
  }
}

function host({ command, config }: Extract<Invocation, { config: object }>): Host {
  log = createLog({ level: config.logLevel });
  const ending = new AbortController();
  if (drains.has(command)) {
    onShutdown((signal) => {
      log?.info('shutdown_asked', { signal });
      ending.abort();
    });
    setTimeout(giveBackAtRest, restAfterMs).unref();
  }
  return realHost(log, ending.signal, { ...readKnobs(), tell });
}

/** Loaded when the start is over. */
async function giveBackAtRest(): Promise<void> {
  (await import('./process/rest.ts')).collectAtRest();
}

/** Loaded where systemd asks for it, and nowhere else. */
async function tell(news: News): Promise<void> {
  const socket = readNotifySocket();
  if (socket) (await import('./os/systemd-notify.ts')).notifySystemd(socket, news);
}

function print(text: string): void {
  process.stdout.write(text);
}

function end(error: unknown): never {
  const { number } = exitCodes[exitNameOf(error)];
  log?.debug('ended', { error });
  process.stderr.write(`sallyportd: ${complaint(error)}\n`);
  process.exit(number);
}

for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {}); // Nobody reads any more.
process.on('uncaughtException', end);
// One flow's mistake must not end all the others; whoever runs the agent sees it in the log.
process.on('unhandledRejection', (error) => (log ? log.error('unhandled_rejection', { error }) : end(error)));

try {
  const invocation = readInvocation(process.argv.slice(2));
  if ('config' in invocation && 'stateDir' in invocation.config) keepCompiled(invocation.config.stateDir);
  await run(invocation);
  setTimeout(() => process.exit(), graceMs).unref();
} catch (error) {
  end(error);
}
