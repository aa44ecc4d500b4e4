/**
 * Runs systemd's `systemctl`: for `setup` alone, which installs and removes the Client's unit
 * (`client/systemd-unit.ts`). The running daemon only tells systemd how it stands (`systemd-notify.ts`).
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { SallyportError } from '#schema/errors.ts';

/** Whether systemd is the first process of this host (sd_booted(3)). */
export const systemdRuns = (): boolean => existsSync('/run/systemd/system');

const timeoutMs = 60_000;

/** @throws SallyportError systemd_failed with what it said. */
export function systemctl(...args: string[]): Promise<void> {
  const env = { PATH: '/usr/sbin:/sbin:/usr/bin:/bin', LC_ALL: 'C' };
  return new Promise((resolve, reject) => {
    execFile('systemctl', args, { timeout: timeoutMs, env }, (error, _, stderr) => {
      if (error === null) return resolve();
      const said = stderr.trim().split('\n')[0] || error.message;
      reject(new SallyportError('systemd_failed', `systemctl ${args[0]}: ${said}`, { cause: error }));
    });
  });
}
