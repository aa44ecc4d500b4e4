/**
 * Reads a command line by the table of commands: which command, its arguments, its flags. After it comes
 * `run.ts`.
 */
import { parseArgs } from 'node:util';
import { SallyportError } from '#schema/errors.ts';
import type { Command, Field } from './command.ts';
import { fieldValue } from './value.ts';

export interface Read {
  command: Command;
  args: string[];
  /** The value of each flag that was given. */
  values: Map<Field, unknown>;
  json: boolean;
  help: boolean;
}

/** @throws SallyportError config_invalid */
export function readArguments(commands: readonly Command[], args: string[]): Read {
  const { command, rest } = find(commands, args);
  const known = command.fields ?? [];
  const { values: texts, positionals } = parse(command, known, rest);
  const help = texts.help === true;
  const expected = argumentKinds(command).length;
  if (!help && positionals.length !== expected) {
    const takes = expected === 0 ? 'no argument' : expected === 1 ? 'one argument' : `${expected} arguments`;
    throw usage(command, `“${command.name}” takes ${takes}, not ${positionals.length}`);
  }
  const values = new Map<Field, unknown>();
  for (const field of known) {
    const text = texts[field.flag];
    if (text !== undefined) values.set(field, text === true ? true : fieldValue(field, String(text)));
    else if (field.required && !help) throw usage(command, `“${command.name}” needs --${field.flag}`);
  }
  return { command, args: positionals, values, json: texts.json === true, help };
}

/** The kinds of the arguments that a command takes, in order. */
export const argumentKinds = ({ request, takes }: Command): string[] =>
  takes ?? [...(request ?? '').matchAll(/:(\w+)/g)].map(([, kind]) => kind!);

/** `noun verb`, one word, or a noun alone where it can be listed. */
function find(commands: readonly Command[], args: string[]): { command: Command; rest: string[] } {
  const [noun = '', verb] = args;
  const named = (name: string) => commands.find((command) => command.name === name);
  const whole = verb !== undefined && !verb.startsWith('-') ? named(`${noun} ${verb}`) : undefined;
  if (whole) return { command: whole, rest: args.slice(2) };
  const single =
    named(noun) ?? (verb === undefined || verb.startsWith('-') ? named(`${noun} list`) : undefined);
  if (single) return { command: single, rest: args.slice(1) };
  const verbs = commands.flatMap(({ name }) =>
    name.startsWith(`${noun} `) ? [name.slice(noun.length + 1)] : [],
  );
  const asked = args.slice(0, verbs.length > 0 ? 2 : 1).join(' ');
  throw new SallyportError(
    'config_invalid',
    `There is no command “${asked}”${verbs.length > 0 ? `; there is ${noun} ${verbs.join(', ')}` : ''}. See sallyport help.`,
  );
}

function parse(command: Command, known: Field[], args: string[]) {
  const flags = known.map(({ flag, as }) => [flag, { type: as === 'switch' ? 'boolean' : 'string' }]);
  const options = {
    ...Object.fromEntries(flags),
    json: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  };
  try {
    return parseArgs({ args, allowPositionals: true, options }) as {
      values: Record<string, string | boolean | undefined>;
      positionals: string[];
    };
  } catch (error) {
    throw usage(command, (error as Error).message.split('. ')[0]!);
  }
}

const usage = (command: Command, what: string) =>
  new SallyportError('config_invalid', `${what}. See sallyport ${command.name} --help.`);
