/**
 * `sallyportd setup --headless FILE|-`: checks a Service Key, logs in with it once, and puts it where the
 * Client looks for it, readable by its owner alone.
 */
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ControllerClock } from '#node-agents/link/clock.ts';
import { ControllerClient } from '#node-agents/link/controller.ts';
import { createIdentity } from '#node-agents/link/identity.ts';
import type { SetupConfig } from '#node-agents/process/config.ts';
import type { Host } from '#node-agents/process/host.ts';
import { SallyportError } from '#schema/errors.ts';
import { credentialsOf, expiryWarning, loadServiceKey, type ServiceKey } from './service-key.ts';

/** @throws SallyportError: the key's, the Controller's, or state_unreadable when it cannot be written. */
export async function runSetup(
  { headless, serviceKey: path, offline }: SetupConfig,
  host: Host,
): Promise<void> {
  const read = await loadServiceKey(headless, host.readInput);
  if (!read.ok) throw new SallyportError(read.code, read.detail);
  const { key, file } = read;
  const warning = expiryWarning(key, host.now());
  if (warning) host.log.warn('key_expired_locally', { reason: warning });
  if (!offline) await tryLogin(key, host);
  await install(path, `${JSON.stringify(file, null, 2)}\n`);
  const tried = offline ? 'was not tried' : 'works';
  host.print(
    `The Service Key ${key.keyId} for ${key.tenantUrl} ${tried} and is installed at ${path}.\nStart it: sallyportd --http-proxy 127.0.0.1:9999 --tun off\n`,
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
async function install(path: string, text: string): Promise<void> {
  const draft = `${path}.new`;
  try {
    await mkdir(dirname(path), { recursive: true });
    await rm(draft, { force: true });
    const file = await open(draft, 'wx', 0o600);
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
