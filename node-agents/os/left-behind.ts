/**
 * What a daemon that was killed has left on this host: routes and rules, what is closed for names, our line in
 * resolv.conf. For whoever goes on without transparent mode; a start with it takes all of that over itself.
 */
import { existsSync, readFileSync } from 'node:fs';
import { namesClosed, openNames } from './closed-names.ts';
import { resolvConfPath, restoreResolvConf } from './resolv-conf.ts';
import { withoutOurs } from './resolv-conf-text.ts';
import { leftPrefixes, removeRoutes } from './routes.ts';
import { mayConfigure } from './support.ts';
import { deviceName } from './tun-device.ts';

/** Whether a Client runs here in transparent mode: then nothing is left behind. */
export const inUse = (): boolean => existsSync(`/sys/class/net/${deviceName}`);

/** @returns what was removed; nothing where it may not. @throws SallyportError tun_unavailable, routes_failed */
export async function removeLeftBehind(): Promise<string[]> {
  const removed: string[] = [];
  if (process.platform !== 'linux' || inUse()) return removed;
  if (mayConfigure()) {
    if ((await leftPrefixes()).length > 0) {
      await removeRoutes();
      removed.push('routes');
    }
    if (namesClosed()) {
      openNames();
      removed.push('closed names');
    }
  }
  const text = existsSync(resolvConfPath) ? readFileSync(resolvConfPath, 'utf8') : '';
  if (withoutOurs(text) !== text) {
    restoreResolvConf();
    removed.push(resolvConfPath);
  }
  return removed;
}
