#!/usr/bin/env node
/**
 * `sallyport`: the operator's command line. Everything it does is a request to the Controller's REST API
 * (`operator/commands.ts`); the agents themselves are `sallyportd`.
 */
import { SallyportError } from '#schema/errors.ts';
import { run } from './operator/run.ts';
import { operatorConfig } from './process/config-operator.ts';

const exitCodeOf = (error: SallyportError) =>
  error.code === 'config_invalid' ? 2 : error.code === 'controller_unreachable' ? 5 : 1;

try {
  await run(process.argv.slice(2), operatorConfig(), process.stdout);
} catch (error) {
  const known = error instanceof SallyportError;
  const text = known ? error.message : `Something unexpected failed: ${(error as Error).message}`;
  process.stderr.write(`sallyport: ${text}\n`);
  process.exitCode = known ? exitCodeOf(error) : 1;
}
