/**
 * The operator CLI's help texts, made from the table of commands.
 */
import { exitCodes } from '../process/exit.ts';
import { argumentKinds } from './arguments.ts';
import type { Command } from './command.ts';
import { placeholder } from './names.ts';

const exits = ['ok', 'failure', 'usage', 'unreachable'] as const;

export function overview(commands: readonly Command[]): string {
  const calls = commands.map((command) => callOf(command));
  const width = Math.max(...calls.map(({ length }) => length)) + 2;
  const lines = [
    'Usage: sallyport <command> [arguments] [--flags] [--json]',
    '',
    ...commands.map(({ help }, i) => `  ${calls[i]!.padEnd(width)}${help}`),
    '',
    'Each argument is an id or a name. sallyport <command> --help shows the flags.',
    '',
    'Environment:',
    '  SALLYPORT_URL             the Tenant’s URL, such as https://sallyport.example/t/acme',
    '  SALLYPORT_API_TOKEN       an API token of the Tenant (spt_…)',
    '  SALLYPORT_OPERATOR_TOKEN  the deployment’s own token: tenant create, list, set, token; relay; setup-code',
    '',
    'Exit codes:',
    ...exits.map((name) => `  ${exitCodes[name].number}  ${exitCodes[name].meaning}`),
  ];
  return `${lines.join('\n')}\n`;
}

export function commandHelp(command: Command): string {
  const flags = (command.fields ?? []).map(
    ({ flag, help, required }) => `  --${flag.padEnd(26)}${help}${required ? ' (required)' : ''}`,
  );
  const usage = `Usage: sallyport ${callOf(command)} [--flags] [--json]`;
  return `${[usage, '', `  ${command.help}`, '', ...flags].join('\n').trimEnd()}\n`;
}

const callOf = (command: Command): string =>
  [command.name, ...argumentKinds(command).map(placeholder)].join(' ');
