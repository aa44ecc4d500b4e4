/** The unit that setup installs. */
import { expect, test } from 'vitest';
import { systemdUnit } from '#node-agents/client/systemd-unit.ts';

const key = '/etc/sallyport/service_key.json';

test('starts transparent mode, again and again unless that is pointless, with network rights alone', () => {
  const unit = systemdUnit({ command: ['/usr/bin/node', '/opt/sallyportd.ts'], serviceKey: key });
  expect(unit).toContain(
    'ExecStart=/usr/bin/node /opt/sallyportd.ts --tun on --service-key /etc/sallyport/service_key.json\n',
  );
  expect(unit).toContain('RestartPreventExitStatus=3 2 4\n');
  expect(unit).toMatch(/^CapabilityBoundingSet=CAP_NET_ADMIN CAP_NET_RAW CAP_NET_BIND_SERVICE$/m);
});

test('a path with a space, a percent sign or a dollar stays one word', () => {
  const unit = systemdUnit({ command: ['/a b/100%', '/$x'], serviceKey: '/k' });
  expect(unit).toContain('ExecStart="/a b/100%%" "/$$x" --tun on');
});

test('hides home directories and /tmp, except where the program itself or its key lies there', () => {
  const hidden = (command: string[], serviceKey: string) =>
    /ProtectHome=(\S+)\nPrivateTmp=(\S+)/.exec(systemdUnit({ command, serviceKey }))!.slice(1);
  expect(hidden(['/usr/bin/node', '/opt/homely/sallyportd.ts'], key)).toEqual(['yes', 'yes']);
  expect(hidden(['/root/.nvm/node', '/opt/sallyportd.ts'], key)).toEqual(['read-only', 'yes']);
  expect(hidden(['/usr/bin/node', '/tmp/clone/sallyportd.ts'], '/home/a/key')).toEqual(['read-only', 'no']);
});

test('may write to no file of the host’s but where its resolver has to stand', () => {
  const command = ['/usr/bin/node', '/opt/sallyportd.ts'];
  expect(systemdUnit({ command, serviceKey: key })).not.toContain('ReadWritePaths');
  expect(systemdUnit({ command, serviceKey: key, writable: ['/etc'] })).toContain('\nReadWritePaths=-/etc\n');
});
