/** OpenSSH: local ports forwarded in one connection (`ssh -L`), which goes through a plain TCP relay. */
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { Ends } from '../measure/compare.ts';
import type { Subject } from '../measure/measure.ts';
import { chain, plainRelay } from './chain.ts';
import { find, missing, programs } from './install.ts';

export const ssh = { name: 'ssh', title: 'ssh -L + relay' };
const ciphers = 'aes256-gcm@openssh.com';

export async function throughSsh({ origin }: Ends): Promise<Subject | string> {
  const absent = missing(programs.ssh, programs.sshd, programs.haproxy);
  if (absent !== undefined) return absent;
  return chain(ssh, origin, (ground) => {
    const { folder, hops, file, run } = ground;
    const [{ relay, far }] = hops as [(typeof hops)[0]];
    for (const name of ['host', 'user'])
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, name)]);
    // Its privilege separation wants the folder.
    mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
    const settings = [
      ...[`Port ${far}`, 'ListenAddress 127.0.0.1', `HostKey ${join(folder, 'host')}`, `Ciphers ${ciphers}`],
      ...[`AuthorizedKeysFile ${join(folder, 'user.pub')}`, 'StrictModes no', 'UsePAM no', 'PidFile none'],
      ...['PermitRootLogin prohibit-password', 'PasswordAuthentication no', 'LogLevel ERROR', 'UseDNS no'],
    ];
    run('far', [find(programs.sshd)!, '-D', '-e', '-f', file('sshd_config', `${settings.join('\n')}\n`)]);
    plainRelay(ground, [{ relay, far }]);
    const options = {
      ...{ Ciphers: ciphers, Compression: 'no', BatchMode: 'yes', ExitOnForwardFailure: 'yes' },
      ...{ StrictHostKeyChecking: 'no', UserKnownHostsFile: '/dev/null', LogLevel: 'ERROR' },
      ...{ ConnectionAttempts: '20', IdentitiesOnly: 'yes', IdentityFile: join(folder, 'user') },
    };
    return (by) => [
      ...[find(programs.ssh)!, '-F', 'none', '-N', '-p', `${relay}`, '-l', userInfo().username],
      ...Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]),
      ...by.flatMap(({ near, origin: { host, port } }) => ['-L', `127.0.0.1:${near}:${host}:${port}`]),
      '127.0.0.1',
    ];
  });
}
