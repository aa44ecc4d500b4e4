/** The unit that setup installs. */
import { expect, test } from 'vitest';
import { systemdUnit } from '#node-agents/client/systemd-unit.ts';

test('starts transparent mode, again and again unless that is pointless, with network rights alone', () => {
  const unit = systemdUnit(['/usr/bin/node', '/opt/sallyportd.ts'], '/etc/sallyport/service_key.json');
  expect(unit).toContain(
    'ExecStart=/usr/bin/node /opt/sallyportd.ts --tun on --service-key /etc/sallyport/service_key.json\n',
  );
  expect(unit).toContain('RestartPreventExitStatus=3 2 4\n');
  expect(unit).toMatch(/^CapabilityBoundingSet=CAP_NET_ADMIN CAP_NET_RAW CAP_NET_BIND_SERVICE$/m);
});

test('a path with a space, a percent sign or a dollar stays one word', () => {
  expect(systemdUnit(['/a b/100%', '/$x'], '/k')).toContain('ExecStart="/a b/100%%" "/$$x" --tun on');
});
