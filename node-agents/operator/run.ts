/**
 * Runs one command of the operator's table: names become ids, its request is made, its answer printed.
 * Before it comes `sallyport.ts`, after it the Controller's REST API.
 */
import { argumentKinds, type Read, readArguments } from './arguments.ts';
import type { Call, Host, Method } from './command.ts';
import { commands } from './commands/index.ts';
import { commandHelp, overview } from './help.ts';
import { idOf, type Kind } from './names.ts';
import { print } from './print.ts';
import { Api, type Settings } from './request.ts';

/** @throws SallyportError with a sentence for the user. */
export async function run(args: string[], settings: Settings, host: Host): Promise<void> {
  const [first] = args;
  if (first === undefined || first === 'help' || first === '--help' || first === '-h')
    return host.write(overview(commands));
  const read = readArguments(commands, args);
  if (read.help) return host.write(commandHelp(read.command));
  const call = await callOf(read, new Api(settings), host);
  if (read.command.run) return read.command.run(call);
  const { command, method, path, fields, json, api } = call;
  print(await api.send(method, path, fields, command.operator), command.columns, json, host);
}

async function callOf({ command, args, values, json }: Read, api: Api, host: Host): Promise<Call> {
  const [method = 'GET', pattern = ''] = (command.request ?? '').split(' ');
  let path = pattern;
  for (const [i, kind] of command.request ? argumentKinds(command).entries() : []) {
    path = path.replace(`:${kind}`, encodeURIComponent(await idOf(api, kind as Kind, args[i]!)));
  }
  const fields: Record<string, unknown> = {};
  const own: Record<string, unknown> = {};
  for (const [{ flag, sends, names }, value] of values) {
    if (sends === null) own[flag] = value;
    else
      fields[sends ?? flag.replaceAll('-', '_')] =
        names && value !== null ? await idOf(api, names, String(value)) : value;
  }
  return { command, method: method as Method, path, args, fields, own, json, api, host };
}
