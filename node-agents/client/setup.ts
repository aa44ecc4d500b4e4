/**
 * `sallyportd setup --headless FILE|-`: checks a Service Key, logs in with it once, and puts it where the
 * Client looks for it, readable by its owner alone; where systemd runs, with a unit that starts the Client.
 */
import { existsSync } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { ControllerClock } from '#node-agents/link/clock.ts';
import { ControllerClient } from '#node-agents/link/controller.ts';
import { createIdentity } from '#node-agents/link/identity.ts';
import type { SetupConfig } from '#node-agents/process/config.ts';
import type { Host } from '#node-agents/process/host.ts';
import { SallyportError } from '#schema/errors.ts';
import { credentialsOf, expiryWarning, loadServiceKey, type ServiceKey } from './service-key.ts';
import { systemdUnit, unitName } from './systemd-unit.ts';

/** There while systemd is the first process (sd_booted(3)). */
const systemdRuns = '/run/systemd/system';

/** @throws SallyportError: the key's, the Controller's, or state_unreadable when it cannot be written. */
export async function runSetup(
  { headless, serviceKey: path, offline, noSystemd, unitDir }: SetupConfig,
  host: Host,
): Promise<void> {
  const read = await loadServiceKey(headless, host.readInput);
  if (!read.ok) throw new SallyportError(read.code, read.detail);
  const { key, file } = read;
  const warning = expiryWarning(key, host.now());
  if (warning) host.log.warn('key_expired_locally', { reason: warning });
  if (!offline) await tryLogin(key, host);
  await install(path, `${JSON.stringify(file, null, 2)}\n`);
  const unit = !noSystemd && existsSync(systemdRuns) ? join(unitDir, unitName) : undefined;
  if (unit) {
    const script = join(import.meta.dirname, '..', 'sallyportd.ts');
    await install(unit, systemdUnit([process.execPath, script], resolve(path)), 0o644);
  }
  const next = unit
    ? `The unit ${unit} starts transparent mode: systemctl daemon-reload && systemctl enable --now ${unitName}`
    : 'Start it: sallyportd --http-proxy 127.0.0.1:9999 --tun off, or as root: sallyportd --tun on';
  const tried = offline ? 'was not tried' : 'works';
  host.print(
    `The Service Key ${key.keyId} for ${key.tenantUrl} ${tried} and is installed at ${path}.\n${next}\n`,
  );
}

async function tryLogin(key: ServiceKey, { now, log, random }: Host): Promise<void> {
  const identity = await createIdentity();
  const controller = new ControllerClient({
    url: key.tenantUrl,
    identity,
    clock: new ControllerClock(now),
    log,
    random,
  });
  try {
    await controller.login(credentialsOf(key));
  } catch (error) {
    if (!(error instanceof SallyportError) || error.permanent) throw error;
    throw new SallyportError(error.code, `${error.message}; to install the key all the same pass --offline`, {
      cause: error,
    });
  }
}

/** Whole or not at all: a Client may be watching. */
async function install(path: string, text: string, mode = 0o600): Promise<void> {
  const draft = `${path}.new`;
  try {
    await mkdir(dirname(path), { recursive: true });
    await rm(draft, { force: true });
    const file = await open(draft, 'wx', mode);
    await file.writeFile(text).finally(() => file.close());
    await rename(draft, path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new SallyportError(
      'state_unreadable',
      `${path} cannot be written (${code}): run as root, or pass --service-key PATH`,
      { cause },
    );
  }
}
