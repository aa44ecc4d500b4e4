/**
 * `sallyportd setup --headless FILE|-`: checks a Service Key, logs in with it once, and puts it where the
 * Client looks for it, readable by its owner alone; where systemd runs, with a unit that starts the Client
 * (`install-unit.ts`). `setup --uninstall` takes both away again.
 */
import { ControllerClock } from '#node-agents/link/clock.ts';
import { ControllerClient } from '#node-agents/link/controller.ts';
import { createIdentity } from '#node-agents/link/identity.ts';
import type { SetupConfig } from '#node-agents/process/config.ts';
import type { Host } from '#node-agents/process/host.ts';
import { SallyportError } from '#schema/errors.ts';
import { installFile } from './install-file.ts';
import { type Installed, installUnit, uninstall, whyNoUnit } from './install-unit.ts';
import { credentialsOf, expiryWarning, loadServiceKey, type ServiceKey } from './service-key.ts';
import { environmentFile, final, unitName } from './systemd-unit.ts';

/** @throws SallyportError: the key's, the Controller's, systemd's, or state_unreadable when it cannot be written. */
export async function runSetup(config: SetupConfig, host: Host): Promise<void> {
  const { headless, serviceKey: path, offline } = config;
  if (headless === undefined) {
    const done = await uninstall(config);
    return host.print(`${(done.length > 0 ? done : ['Nothing is installed.']).join('\n')}\n`);
  }
  const read = await loadServiceKey(headless, host.readInput);
  if (!read.ok) throw new SallyportError(read.code, read.detail);
  const { key, file } = read;
  const warning = expiryWarning(key, host.now());
  if (warning) host.log.warn('key_expired_locally', { reason: warning });
  if (!offline) await tryLogin(key, host);
  await installFile(path, `${JSON.stringify(file, null, 2)}\n`);
  const tried = offline ? 'was not tried' : 'works';
  host.print(`The Service Key ${key.keyId} for ${key.tenantUrl} ${tried} and is installed at ${path}.\n`);
  const why = await whyNoUnit(config);
  host.print(why === undefined ? withUnit(await installUnit(config)) : withoutUnit(why));
}

const withUnit = ({ path, changed }: Installed): string =>
  changed
    ? `The unit ${path} starts transparent mode: systemctl enable --now ${unitName}
What is particular to this host goes into ${environmentFile}. A unit that runs already: systemctl restart ${unitName}
`
    : `The unit ${path} is as it was; if it runs, it takes the key over by itself.\n`;

const withoutUnit = (why: string): string =>
  `No unit is installed: ${why}. Start it by whatever starts services here, again whenever it ends except with ${final.join(', ')}:
  sallyportd --http-proxy 127.0.0.1:9999 --tun off    for programs that use a proxy
${process.platform === 'linux' ? '  sallyportd --tun on                                 for all programs; as root, with /dev/net/tun\n' : ''}`;

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
