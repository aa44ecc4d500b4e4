/**
 * JSON lines on standard error: a fixed event name, everything variable in fields. Names and addresses of
 * Resources belong to `debug`; tokens and keys to no level at all, which a field's name also enforces here.
 */

export const levels = ['debug', 'info', 'warn', 'error'] as const;
export type Level = (typeof levels)[number];

export type Fields = Readonly<Record<string, unknown>>;

export interface Log {
  readonly level: Level;
  debug(event: string, fields?: Fields): void;
  info(event: string, fields?: Fields): void;
  warn(event: string, fields?: Fields): void;
  error(event: string, fields?: Fields): void;
  /** The same log with fields that every line carries. */
  child(bindings: Fields): Log;
}

export interface LogOptions {
  level: Level;
  /** Takes one line with its line end. */
  write?: (line: string) => void;
  bindings?: Fields;
  /** Milliseconds since the epoch. */
  now?: () => number;
}

export function createLog(options: LogOptions): Log {
  const { level, write = toStandardError, bindings = {}, now = Date.now } = options;
  const threshold = levels.indexOf(level);
  const at = (of: Level) => {
    if (levels.indexOf(of) < threshold) return nobodyReads;
    return (event: string, fields: Fields = {}): void => {
      const line = { time: new Date(now()).toISOString(), level: of, event, ...bindings, ...fields };
      write(`${JSON.stringify(line, (key, value) => presentable(key, value, level))}\n`);
    };
  };
  return {
    level,
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (more) => createLog({ ...options, bindings: { ...bindings, ...more } }),
  };
}

const nobodyReads = (): void => {};

/** Longer texts are cut: a peer must not be able to fill the log with what it sends. */
const longest = 2_000;
const secret = /token$|^token|private_?key|password|authorization|assertion|^dpop$|secret/i;

function presentable(key: string, value: unknown, level: Level): unknown {
  if (value instanceof Error) {
    const { code, cause } = value as Error & { code?: unknown };
    return {
      message: value.message,
      ...(code !== undefined && { code }),
      ...(cause !== undefined && { cause }),
      ...(level === 'debug' && { stack: value.stack }),
    };
  }
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'string') return value;
  if (secret.test(key)) return '[secret]';
  return value.length > longest ? `${value.slice(0, longest)}…` : value;
}

function toStandardError(line: string): void {
  process.stderr.write(line);
}
