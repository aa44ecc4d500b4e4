/**
 * The names below wildcards that programs have asked for, kept over a restart: a program that still holds a
 * synthetic address finds the same name behind it, also after a kill that came a second later. Names that the
 * ACL spells out need no memory. Losing the file costs such programs one more look-up, so nothing here stops
 * the daemon.
 */
import type { Log } from '#node-agents/process/log.ts';
import { readSecretFile, writeSecretFile } from '#node-agents/process/state-dir.ts';
import { canonicalHost } from '#schema/name/host.ts';
import { parseIp } from '#schema/name/ip.ts';
import type { SyntheticNames } from '#schema/name/synthetic.ts';

export interface RememberedNames {
  /** Writes what has changed and stops. */
  close(): Promise<void>;
}

export interface RememberOptions {
  path: string;
  log: Pick<Log, 'warn' | 'debug'>;
  /** Milliseconds between two looks at what has changed, default 1,000. */
  everyMs?: number;
}

/** Call it once the first ACL's names have their addresses. Resolves, never rejects. */
export async function rememberNames(
  names: SyntheticNames,
  { path, log, everyMs = 1_000 }: RememberOptions,
): Promise<RememberedNames> {
  try {
    for (const name of parse(await readSecretFile(path))) names.assign(name);
  } catch (error) {
    log.warn('names_not_remembered', { error });
  }
  let written = names.revision;
  let writing: Promise<void> = Promise.resolve();
  const write = (): Promise<void> => {
    if (names.revision === written) return writing;
    written = names.revision;
    writing = writing
      .then(() => writeSecretFile(path, `${JSON.stringify({ version: 1, names: names.seen })}\n`))
      .catch((error) => log.debug('names_not_written', { error }));
    return writing;
  };
  const timer = setInterval(() => void write(), everyMs).unref();
  return {
    close() {
      clearInterval(timer);
      return write();
    },
  };
}

/** What is no name of ours is passed over. */
function parse(text: string | undefined): string[] {
  if (text === undefined) return [];
  const { version, names } = JSON.parse(text) as { version?: unknown; names?: unknown };
  if (version !== 1 || !Array.isArray(names)) return [];
  return names.filter((name) => typeof name === 'string' && canonicalHost(name) === name && !parseIp(name));
}
