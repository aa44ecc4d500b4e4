/**
 * The unit of transparent mode (`systemd-unit.ts`) on this host: whether it can have one, its installation and
 * its removal with all that a killed Client may have left. For `setup.ts`.
 */
import { existsSync, realpathSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { dnsWay } from '#node-agents/os/dns-way.ts';
import { inUse, removeLeftBehind } from '#node-agents/os/left-behind.ts';
import { hostNameservers, resolvConfPath } from '#node-agents/os/resolv-conf.ts';
import { resolvedRuns } from '#node-agents/os/resolved.ts';
import { transparentSupport } from '#node-agents/os/support.ts';
import { systemctl, systemdRuns } from '#node-agents/os/systemctl.ts';
import type { SetupConfig } from '#node-agents/process/config.ts';
import { installFile } from './install-file.ts';
import { systemdUnit, unitName } from './systemd-unit.ts';

/** What stands in its way on this host; undefined where nothing does. */
export async function whyNoUnit({ noSystemd }: SetupConfig): Promise<string | undefined> {
  if (process.platform !== 'linux') return 'transparent mode needs Linux';
  if (noSystemd) return '--no-systemd';
  if (!systemdRuns()) return 'systemd does not run here';
  const support = await transparentSupport();
  return support.ok ? undefined : support.detail;
}

export interface Installed {
  path: string;
  changed: boolean;
}

/** @throws SallyportError state_unreadable, systemd_failed. */
export async function installUnit({ unitDir, serviceKey }: SetupConfig): Promise<Installed> {
  const path = join(unitDir, unitName);
  const script = join(import.meta.dirname, '..', 'sallyportd.js');
  const text = systemdUnit({
    command: [process.execPath, script],
    serviceKey: resolve(serviceKey),
    writable: await folderOfResolvConf(),
  });
  const changed = await installFile(path, text, 0o644);
  if (changed) await systemctl('daemon-reload');
  return { path, changed };
}

/**
 * Only where our resolver has to stand in that file (`os/dns-way.ts`). The folder, not the file: a unit that
 * may write to one file sees that one for ever, also when DHCP has put another in its place.
 */
async function folderOfResolvConf(): Promise<string[]> {
  const way = dnsWay('auto', { resolved: await resolvedRuns(), nameservers: hostNameservers() });
  if (way !== 'resolvconf') return [];
  return [dirname(existsSync(resolvConfPath) ? realpathSync(resolvConfPath) : resolvConfPath)];
}

/** Nothing of it need be there. @returns what was done, a line each. @throws SallyportError systemd_failed. */
export async function uninstall({ unitDir, serviceKey, noSystemd }: SetupConfig): Promise<string[]> {
  const done: string[] = [];
  const unit = join(unitDir, unitName);
  if (existsSync(unit)) {
    if (!noSystemd && systemdRuns()) await systemctl('disable', '--now', unitName);
    await rm(unit);
    if (!noSystemd && systemdRuns()) await systemctl('daemon-reload');
    done.push(`The unit ${unit} is removed.`);
  }
  if (existsSync(serviceKey)) {
    await rm(serviceKey);
    done.push(`The Service Key ${serviceKey} is removed.`);
  }
  if (inUse()) done.push('A Client still runs here in transparent mode; it removes its routes when it ends.');
  else await removeLeftBehind();
  return done;
}
