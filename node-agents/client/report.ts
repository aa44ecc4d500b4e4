/**
 * `sallyportd report`: what support needs, as one JSON file. Secrets have no way in: the configuration prints
 * them as `[secret]`, the log never held any; names and addresses of Resources are left out.
 */
import { writeFile } from 'node:fs/promises';
import { arch, platform, release } from 'node:os';
import type { ReportConfig } from '#node-agents/process/config.ts';
import type { Host } from '#node-agents/process/host.ts';
import { createLog, type Log } from '#node-agents/process/log.ts';
import { version } from '#node-agents/process/version.ts';
import { SallyportError } from '#schema/errors.ts';
import { askClient } from './local-api.ts';

/** @throws SallyportError config_invalid when the file cannot be written. A Client that does not run is a finding. */
export async function runReport({ stateDir, output }: ReportConfig, host: Host): Promise<void> {
  const client = await askClient<object>(stateDir, '/report').catch((error: Error) => ({
    status: { state: 'not-running', detail: error.message },
  }));
  const report = {
    generated_at: new Date(host.now()).toISOString(),
    sallyportd: version,
    node: process.version,
    openssl: process.versions.openssl,
    system: `${platform()} ${release()} ${arch()}`,
    ...client,
  };
  const text = `${JSON.stringify(report, null, 2)}\n`;
  if (output === '-') return host.print(text);
  try {
    await writeFile(output, text, { mode: 0o600 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new SallyportError('config_invalid', `--output ${output}: cannot be written (${code})`);
  }
  host.print(`The report is in ${output}.\n`);
}

const keptLines = 300;

/** A log that remembers its last lines for the report. */
export function rememberingLog(log: Log, now: () => number): { log: Log; lines(): unknown[] } {
  const kept: string[] = [];
  const memory = createLog({
    level: log.level,
    now,
    write(line) {
      kept.push(line);
      if (kept.length > keptLines) kept.shift();
    },
  });
  return { log: both(log, memory), lines: () => kept.map((line) => JSON.parse(line)) };
}

function both(one: Log, other: Log): Log {
  const twice =
    (level: 'info' | 'warn' | 'error') =>
    (event: string, fields?: Readonly<Record<string, unknown>>): void => {
      one[level](event, fields);
      other[level](event, fields);
    };
  const debug: Log['debug'] = (event, fields) => {
    one.debug(event, fields);
    other.debug(event, withoutAddresses(fields));
  };
  return {
    level: one.level,
    // Each flow has a line: where nobody reads it, none is made.
    debug: one.level === 'debug' ? debug : () => {},
    info: twice('info'),
    warn: twice('warn'),
    error: twice('error'),
    child: (bindings) => both(one.child(bindings), other.child(bindings)),
  };
}

/** At `debug` a log may name destinations; a report must not. */
const withoutAddresses = (fields: Readonly<Record<string, unknown>> = {}) =>
  Object.fromEntries(Object.entries(fields).filter(([name]) => !/^(host|rule|detail|resolved)$/.test(name)));
