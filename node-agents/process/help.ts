/** The text of `--help`, made from the same tables that the configuration is read with. */
import { type CommandName, commands } from './commands.ts';
import { exitCodes } from './exit.ts';
import type { Setting, Settings } from './settings.ts';

/** @param of one command's page; without it the overview. */
export function helpText(of?: CommandName): string {
  const page = of === undefined ? overview() : commandPage(of);
  return `${[...page, '', 'Exit codes', ...exitCodeLines()].join('\n')}\n`;
}

function overview(): string[] {
  const names = Object.keys(commands);
  const width = Math.max(...names.map((name) => name.length));
  return [
    'sallyportd [command] [flags]',
    '',
    'Commands',
    ...Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`),
    '',
    'sallyportd <command> --help lists a command’s flags; --version prints the version.',
    '',
    'Flags of client',
    ...flagLines(commands.client.settings),
  ];
}

function commandPage(name: CommandName): string[] {
  const { summary, settings } = commands[name];
  return [`sallyportd ${name} [flags]: ${summary}`, '', 'Flags', ...flagLines(settings)];
}

function flagLines(settings: Settings): string[] {
  return Object.values(settings).flatMap((setting) => [
    `  ${usage(setting)}`,
    `      ${setting.help}${setting.flag ? ` [${setting.env}]` : ''}`,
  ]);
}

const usage = ({ flag, env, placeholder }: Setting<unknown>): string =>
  flag ? `--${flag}${placeholder && ` ${placeholder}`}` : `${env}=${placeholder}`;

const exitCodeLines = (): string[] =>
  Object.entries(exitCodes).map(
    ([name, { number, meaning }]) => `  ${number}  ${name.padEnd(15)}  ${meaning}`,
  );
