/** The TUN device: packets of programs in and out, one holder at a time, and its loss. */
import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { installRoutes } from '#node-agents/os/routes.ts';
import { openTunDevice, type TunDevice } from '#node-agents/os/tun-device.ts';
import { buildReset, buildUnreachable } from '#schema/packet/build.ts';
import { parseFrame } from '#schema/packet/parse.ts';
import { PacketView, protocols } from '#schema/packet/view.ts';
import { ask, plan, stand, tryTcp } from './ground.ts';
import { whyNoHost } from './host.ts';

const reason = whyNoHost();
if (reason) console.warn(`skipped: ${reason}`);

describe.skipIf(reason)('the TUN device', () => {
  const ground = stand();

  test('carries datagrams of programs both ways, small and large, v4 and v6', async () => {
    ground.openShouting();
    await installRoutes(plan);
    expect(await ask('10.66.0.9', 4000, 'hello')).toBe('HELLO');
    expect(await ask('fd66::9', 4000, 'hello')).toBe('HELLO');
    expect(await ask('100.97.1.2', 4000, 'name')).toBe('NAME');
    const large = 'x'.repeat(60_000);
    expect(await ask('10.66.0.9', 4000, large)).toBe(large.toUpperCase());
    expect(await ask('fd66::9', 4000, large)).toBe(large.toUpperCase());
  });

  test('gives a TCP stream’s SYN to refuse or to call unreachable, as if the program were there', async () => {
    const view = new PacketView();
    const answer = Buffer.alloc(70_000);
    const device: TunDevice = ground.open({
      onFrame(frame, length) {
        if (parseFrame(view, frame, length) !== undefined || view.protocol !== protocols.tcp) return;
        if (view.destinationPort === 80) device.write(answer, buildReset(answer, view));
        else device.write(answer, buildUnreachable(answer, view, 'host'));
      },
    });
    await installRoutes(plan);
    expect(await tryTcp('10.66.0.9', 80)).toBe('ECONNREFUSED');
    expect(await tryTcp('10.66.0.9', 81)).toBe('EHOSTUNREACH');
    expect(await tryTcp('fd66::9', 80)).toBe('ECONNREFUSED');
    expect(await tryTcp('fd66::9', 81)).toBe('EHOSTUNREACH');
  });

  test('loses nothing of a burst', async () => {
    let seen = 0;
    const view = new PacketView();
    ground.open({
      onFrame(frame, length) {
        if (parseFrame(view, frame, length) === undefined && view.destinationPort === 4001) seen++;
      },
    });
    await installRoutes(plan);
    const socket = ground.later(createSocket('udp4'));
    socket.connect(4001, '10.66.0.9');
    await once(socket, 'connect');
    const data = Buffer.alloc(1200);
    const sent = 4000; // before the loop turns once: the device’s queue holds them
    for (let i = 0; i < sent; i++) await new Promise<void>((done) => socket.send(data, () => done()));
    await expect.poll(() => seen, { timeout: 5000 }).toBe(sent);
  });

  test('is one process’s at a time', () => {
    ground.open();
    expect(() => ground.open()).toThrow('sallyport0 is in use by another process');
  });

  test('is not made out of an interface of another kind, nor of a bad name', () => {
    expect(() => ground.open({ name: 'cable' })).toThrow('cable is an interface of another kind');
    expect(() => ground.open({ name: 'a name that is too long' })).toThrow('at most 15 characters');
  });

  test('says so when somebody deletes it, and protected addresses stay closed', async () => {
    const lost = new Promise<Error>((onLost) => ground.open({ onLost }));
    await installRoutes(plan);
    ground.host.run('ip link del sallyport0');
    expect(await lost).toMatchObject({ code: 'tun_lost' });
    expect(await tryTcp('10.66.0.9', 80)).toBe('EHOSTUNREACH');
    ground.openShouting();
    await installRoutes(plan);
    expect(await ask('10.66.0.9', 4000, 'again')).toBe('AGAIN');
  });

  test('can be opened and closed over and over, without descriptors left', async () => {
    // A descriptor that goes while they are listed is one that is closed: of that, ls complains.
    const list = `ls -l /proc/${process.pid}/fd 2>&1 || [ $? = 1 ]`;
    const held = () => execFileSync('sh', ['-c', list], { encoding: 'utf8' });
    for (let i = 0; i < 50; i++) {
      openTunDevice({ name: 'sallyport0', onFrame() {}, onLost() {} }).close();
      await new Promise((done) => setImmediate(done));
    }
    expect(held()).not.toContain('/dev/net/tun');
    expect(ground.host.run('ip link')).not.toContain('sallyport0');
  });
});
