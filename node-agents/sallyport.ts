#!/usr/bin/env node
/**
 * `sallyport`: the operator's command line. Everything it does is a request to the Controller's REST API
 * (`operator/commands/`); the agents themselves are `sallyportd`.
 */
import { setTimeout } from 'node:timers/promises';
import { SallyportError } from '#schema/errors.ts';
import type { Host } from './operator/command.ts';
import { run } from './operator/run.ts';
import { operatorConfig } from './process/config-operator.ts';
import { exitCodes, oneLine } from './process/exit.ts';
import { onShutdown } from './process/shutdown.ts';

let ended: AbortController | undefined;
const host: Host = {
  write: (text) => void process.stdout.write(text),
  pause(ms) {
    if (!ended) {
      ended = new AbortController();
      onShutdown(() => ended!.abort());
    }
    return setTimeout(ms, true, { signal: ended.signal }).catch(() => false);
  },
};

const exitOf = (error: unknown) => {
  if (!(error instanceof SallyportError)) return exitCodes.failure;
  if (error.code === 'config_invalid') return exitCodes.usage;
  return error.code === 'controller_unreachable' ? exitCodes.unreachable : exitCodes.failure;
};

// Whoever reads what we print may have read enough.
process.stdout.on('error', () => process.exit(exitCodes.ok.number));
try {
  await run(process.argv.slice(2), operatorConfig(), host);
} catch (error) {
  process.stderr.write(`sallyport: ${oneLine((error as Error).message)}\n`);
  process.exitCode = exitOf(error).number;
}
