/**
 * The operator CLI's help texts, made from the table of commands.
 */
import { type Command, commands } from './commands.ts';

export function overview(): string {
  const lines = [
    'Usage: sallyport <noun> <verb> [id] [--flags] [--json]',
    '',
    ...commands.map((c) => `  ${`${c.noun} ${c.verb}${takesId(c) ? ' ID' : ''}`.padEnd(24)}${c.help}`),
    `  ${'key create SVC_ID'.padEnd(24)}a Service Key; the private half is made here and never travels`,
    '',
    'sallyport <noun> <verb> --help shows the flags.',
    '',
    'Environment:',
    '  SALLYPORT_URL             the Tenant’s URL, such as https://sallyport.example/t/acme',
    '  SALLYPORT_API_TOKEN       an API token of the Tenant (spt_…)',
    '  SALLYPORT_OPERATOR_TOKEN  the deployment’s own token, for tenant and relay commands',
    '',
    'Exit codes: 0 done, 1 refused or failed, 2 wrong use, 5 Controller not reachable',
  ];
  return `${lines.join('\n')}\n`;
}

export function commandHelp(command: Pick<Command, 'noun' | 'verb' | 'help' | 'fields' | 'path'>): string {
  const flags = (command.fields ?? []).map(
    ({ flag, help, required }) => `  --${flag.padEnd(22)}${help}${required ? ' (required)' : ''}`,
  );
  const usage = `Usage: sallyport ${command.noun} ${command.verb}${takesId(command) ? ' ID' : ''} [--flags] [--json]`;
  return `${[usage, '', `  ${command.help}`, '', ...flags].join('\n')}\n`;
}

const takesId = (command: { path: string }) => command.path.includes(':');
