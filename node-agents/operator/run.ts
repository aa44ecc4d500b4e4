/**
 * Runs one command of the operator's table: reads its arguments, makes its request, prints its answer.
 * Before it comes `sallyport.ts`, after it the Controller's REST API.
 */
import { parseArgs } from 'node:util';
import { SallyportError } from '#schema/errors.ts';
import { type Command, commands, type Field } from './commands.ts';
import { commandHelp, overview } from './help.ts';
import { createKey } from './key.ts';
import { print } from './print.ts';
import { Api, type Settings } from './request.ts';
import { fieldValue } from './value.ts';

export interface Output {
  write(text: string): void;
}

/** @throws SallyportError with a sentence for the user. */
export async function run(args: string[], settings: Settings, out: Output): Promise<void> {
  const [noun, second] = args;
  if (noun === undefined || noun === 'help' || noun === '--help' || noun === '-h')
    return out.write(overview());
  const verb = second === undefined || second.startsWith('-') ? 'list' : second;
  const rest = args.slice(verb === second ? 2 : 1);
  if (noun === 'key' && verb === 'create') return createKey(rest, settings, out);
  const command = commands.find((one) => one.noun === noun && one.verb === verb);
  if (!command)
    throw new SallyportError('config_invalid', `There is no command “${noun} ${verb}”. See sallyport help.`);
  const { fields, ids, json, help } = read(command, rest);
  if (help) return out.write(commandHelp(command));
  const answer = await new Api(settings).send(
    command.method,
    path(command, ids),
    fields,
    command.operator === true,
  );
  print(answer, command.columns, json, out);
}

function read(command: Command, args: string[]) {
  const known = command.fields ?? [];
  const { values, positionals } = parse(known, args, command);
  const ids = (command.path.match(/:\w+/g) ?? []).length;
  const help = values.help === true;
  if (!help && positionals.length !== ids) {
    throw new SallyportError(
      'config_invalid',
      `“${command.noun} ${command.verb}” takes ${ids === 0 ? 'no id' : 'one id'}.`,
    );
  }
  const fields: Record<string, unknown> = {};
  for (const field of known) {
    const text = values[field.flag];
    if (typeof text === 'string') fields[field.flag.replaceAll('-', '_')] = fieldValue(field, text);
    else if (field.required && !help) {
      throw new SallyportError('config_invalid', `“${command.noun} ${command.verb}” needs --${field.flag}.`);
    }
  }
  return { fields, ids: positionals, json: values.json === true, help };
}

export function parse(known: Field[], args: string[], command: { noun: string; verb: string }) {
  const options = Object.fromEntries(known.map(({ flag }) => [flag, { type: 'string' as const }]));
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        ...options,
        json: { type: 'boolean' as const },
        help: { type: 'boolean' as const, short: 'h' },
      },
    }) as { values: Record<string, string | boolean | undefined>; positionals: string[] };
  } catch (error) {
    const reason = (error as Error).message.split('. ')[0];
    throw new SallyportError(
      'config_invalid',
      `${reason}. See sallyport ${command.noun} ${command.verb} --help.`,
    );
  }
}

const path = (command: Command, ids: string[]) => {
  const left = [...ids];
  return command.path.replace(/:\w+/g, () => encodeURIComponent(left.shift()!));
};
