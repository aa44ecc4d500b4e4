/**
 * Reads a command line and the environment into one frozen configuration, or refuses it whole with one line
 * that names the flag and the remedy. The only place where agents read `process.env`. Before it stands
 * `sallyportd.ts`, after it the agent that the command names.
 */
import { SallyportError } from '#schema/errors.ts';
import { type CommandName, type Config, checks, commands } from './commands.ts';
import { parseArgs } from './node-util.ts';
import type { ConfigOf, Setting, Settings } from './settings.ts';
import { type Environment, Malformed } from './values.ts';

export type {
  ClientConfig,
  CommandName,
  Config,
  ConnectorConfig,
  HealthConfig,
  LoginConfig,
  RelayConfig,
  ReportConfig,
  ResourcesConfig,
  SetupConfig,
  StatusConfig,
} from './commands.ts';
export type { Forward, KeySource, ListenAddress, Secret } from './values.ts';

export type Invocation =
  | { [C in CommandName]: { command: C; config: Config<C> } }[CommandName]
  | { command: 'help'; of: CommandName | undefined }
  | { command: 'version' };

/**
 * @param args without `node` and the script.
 * @throws SallyportError config_invalid: one line, never repeating a value that may be a secret.
 */
export function readInvocation(args: readonly string[], env: Environment = process.env): Invocation {
  const words = leadingWords(args);
  const [name, used] = commandOf(words);
  const rest = args.slice(used);
  if (rest.includes('--help') || rest.includes('-h') || words[0] === 'help')
    return { command: 'help', of: words[0] === 'help' || used === 0 ? undefined : name };
  if (rest.includes('--version') || rest.includes('-V') || words[0] === 'version')
    return { command: 'version' };
  const config = readSettings(name, rest, env);
  return { command: name, config } as Invocation;
}

/** Knobs for tests and for hunting faults: unstable, in no help. */
export function readKnobs(env: Environment = process.env): { clockOffsetMs: number } {
  const offset = Number(env['SALLYPORT_DEBUG_CLOCK_OFFSET_MS'] ?? 0);
  return { clockOffsetMs: Number.isFinite(offset) ? offset : 0 };
}

/** Where systemd wants to be told how a service stands (sd_notify(3)); nowhere unless it started this process so. */
export const readNotifySocket = (env: Environment = process.env): string | undefined =>
  env['NOTIFY_SOCKET'] || undefined;

/**
 * Listening sockets that systemd opened and handed to this process (sd_listen_fds(3)), by the name that their
 * unit gives them: descriptors from 3 on.
 */
export function readListenSockets(pid: number, env: Environment = process.env): ReadonlyMap<string, number> {
  if (env['LISTEN_PID'] !== String(pid)) return new Map();
  const names = (env['LISTEN_FDNAMES'] ?? '').split(':');
  const count = Math.min(Number(env['LISTEN_FDS']) || 0, mostHandedSockets);
  return new Map(Array.from({ length: count }, (_, i) => [names[i] || 'unknown', 3 + i]));
}

const mostHandedSockets = 64;

function leadingWords(args: readonly string[]): readonly string[] {
  const end = args.findIndex((arg) => arg.startsWith('-'));
  return end < 0 ? args : args.slice(0, end);
}

function commandOf(words: readonly string[]): [CommandName, number] {
  if (words.length === 0 || words[0] === 'help' || words[0] === 'version') return ['client', 0];
  const two = words.slice(0, 2).join(' ');
  if (Object.hasOwn(commands, two)) return [two as CommandName, Math.min(2, words.length)];
  if (Object.hasOwn(commands, words[0]!)) return [words[0] as CommandName, 1];
  throw new SallyportError(
    'config_invalid',
    `there is no command "${words[0]!.slice(0, 40)}"; the commands are ${Object.keys(commands).join(', ')}`,
  );
}

function readSettings(name: CommandName, args: readonly string[], env: Environment): ConfigOf<Settings> {
  const table: Settings = commands[name].settings;
  const given = readFlags(name, table, args);
  const config: Record<string, unknown> = {};
  for (const [key, setting] of Object.entries(table)) {
    const flag = setting.flag === undefined ? undefined : given[setting.flag];
    const inEnv = flag ? [] : textsIn(setting, env);
    const source = flag || !inEnv.length ? (setting.flag ? `--${setting.flag}` : setting.env) : setting.env;
    config[key] = attempt(source, () => {
      const texts = flag ?? inEnv;
      return texts.length > 0 ? setting.read(texts, env) : setting.fallback(env);
    });
  }
  const check = checks[name] as ((config: unknown) => void) | undefined;
  attempt(name, () => check?.(config));
  return Object.freeze(config);
}

function readFlags(
  name: CommandName,
  table: Settings,
  args: readonly string[],
): Record<string, string[] | undefined> {
  const options = Object.fromEntries(
    Object.values(table).flatMap(({ flag, placeholder }) =>
      flag ? [[flag, { type: placeholder ? 'string' : 'boolean', multiple: true } as const]] : [],
    ),
  );
  try {
    const { values } = parseArgs({ args: [...args], options, strict: true, allowPositionals: false });
    return Object.fromEntries(
      Object.entries(values).map(([flag, texts]) => [flag, (texts as (string | boolean)[]).map(String)]),
    );
  } catch (error) {
    throw new SallyportError('config_invalid', misuse(name, options, error as Error & { code?: string }));
  }
}

/** Node's own messages run over several sentences and repeat stray arguments, which may be secrets. */
function misuse(
  name: CommandName,
  options: Record<string, unknown>,
  error: Error & { code?: string },
): string {
  const flag = /'(?:-\w, )?(--?[\w-]+)/.exec(error.message)?.[1] ?? 'a flag';
  if (error.code === 'ERR_PARSE_ARGS_INVALID_OPTION_VALUE') {
    return /does not take an argument/.test(error.message)
      ? `${flag} takes no value; leave it out`
      : `${flag} needs a value; write ${flag} VALUE, or ${flag}=VALUE if the value begins with a dash`;
  }
  if (error.code === 'ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL')
    return `${name} takes flags only, but there is an argument without one; see sallyportd ${name} --help`;
  const known = Object.keys(options).map((one) => `--${one}`);
  const near = known.find((one) => distance(one, flag) <= 2);
  return `${name} has no flag ${flag}; ${near ? `did you mean ${near}?` : `its flags are ${known.join(', ')}`}`;
}

function textsIn(setting: Setting<unknown>, env: Environment): string[] {
  if (setting.gather) return setting.gather(env);
  const text = env[setting.env];
  if (!text) return [];
  return setting.repeatable ? text.split(/[,\s]+/).filter((part) => part !== '') : [text];
}

function attempt<T>(source: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof Malformed) throw new SallyportError('config_invalid', `${source}: ${error.message}`);
    throw error;
  }
}

/** Levenshtein's, for short texts. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const changed = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, changed));
    }
    row = next;
  }
  return row[b.length]!;
}
