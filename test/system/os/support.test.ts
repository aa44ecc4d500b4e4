/** What transparent mode needs of a host: that what is there is seen, and what is missing is named. */
import { execFileSync, spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { forwarding, transparentSupport } from '#node-agents/os/support.ts';
import { stand } from './ground.ts';
import { whyNoHost } from './host.ts';

const reason = whyNoHost();
if (reason) console.warn(`skipped: ${reason}`);

describe.skipIf(reason)('what the host can do', () => {
  const ground = stand();

  test('the host is seen to be able, and nothing is changed by looking', async () => {
    const before = ground.host.run('ip rule; ip -6 rule; ip link');
    expect(await transparentSupport()).toEqual({ ok: true, ipv6: true, mayInject: true });
    expect(forwarding()).toEqual({ ipv4: false, ipv6: false });
    expect(ground.host.run('ip rule; ip -6 rule; ip link')).toBe(before);
  });

  const file = new URL('./hold.ts', import.meta.url).pathname;
  /** What comes of everything that may be missing, where `$LOOK` is run as `command` says. */
  const inAChild = (command: string): string =>
    execFileSync('sh', ['-c', command], {
      encoding: 'utf8',
      env: { PATH: process.env.PATH, NODE: process.execPath, LOOK: `${file} --look` },
    });

  test('the capability', () => {
    const said = inAChild('setpriv --bounding-set=-net_admin --inh-caps=-net_admin $NODE $LOOK');
    expect(said).toBe(
      'look tun_unavailable: CAP_NET_ADMIN is missing (in a container: --cap-add NET_ADMIN)\n' +
        'open tun_unavailable: CAP_NET_ADMIN is missing (in a container: --cap-add NET_ADMIN)\n' +
        'mark yes\n' + // CAP_NET_RAW is enough for it
        'routes tun_unavailable: CAP_NET_ADMIN is missing (in a container: --cap-add NET_ADMIN)\n' +
        'inject yes\n',
    );
  });

  test('nothing else but CAP_NET_ADMIN is, for root', () => {
    const only = '-all,+net_admin';
    const said = inAChild(`setpriv --bounding-set=${only} --inh-caps=${only} $NODE $LOOK`);
    expect(said).toBe('look yes, without SYNs over loopback\nopen yes\nmark yes\nroutes yes\ninject no\n');
  });

  const nobody = 'setpriv --reuid=65534 --regid=65534 --clear-groups';
  const readable = () =>
    spawnSync('sh', ['-c', `${nobody} sh -c 'test -r ${file} && test -x ${process.execPath}'`]).status === 0;
  test.skipIf(reason || !readable())(
    'nothing but two ambient capabilities is, for another user as systemd would start one',
    () => {
      const caps = '+net_admin,+net_raw';
      const user = `${nobody} --inh-caps=${caps} --ambient-caps=${caps}`;
      const node = 'mount -t tmpfs none /dev/net && mknod -m 666 /dev/net/tun c 10 200';
      const said = inAChild(`unshare -m sh -c '${node} && ${user} $NODE $LOOK'`);
      expect(said).toBe('look yes\nopen yes\nmark yes\nroutes yes\ninject yes\n');
    },
  );

  test('the device node', () => {
    const said = inAChild("unshare -m sh -c 'mount -t tmpfs none /dev/net && $NODE $LOOK'");
    expect(said).toContain('look tun_unavailable: /dev/net/tun is missing');
    expect(said).toContain(
      'open tun_unavailable: /dev/net/tun is missing (in a container: --device /dev/net/tun)\n',
    );
  });

  test('iproute2', () => {
    const said = inAChild(
      "unshare -m sh -c 'mount -t tmpfs none /usr/sbin && mount -t tmpfs none /usr/bin && $NODE $LOOK'",
    );
    expect(said).toContain('look tun_unavailable: the command `ip` is missing (install iproute2)\n');
    expect(said).toContain('open yes\n');
  });

  test('the right to raw sockets', () => {
    const said = inAChild('setpriv --bounding-set=-net_raw --inh-caps=-net_raw $NODE $LOOK');
    expect(said).toContain('look yes, without SYNs over loopback\n');
    expect(said).toContain('inject no\n');
  });

  test('node:ffi, where Node’s permission model withholds it', () => {
    const said = inAChild('$NODE --permission --allow-fs-read=* --allow-child-process $LOOK');
    expect(said).toContain('look tun_unavailable: node:ffi is forbidden (start node with --allow-ffi)\n');
  });
});
