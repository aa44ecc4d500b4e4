/**
 * What transparent mode asks of Linux, on a host of the test's own (`os/host.ts`): packets in and out of the TUN
 * device, rules and routes, what a killed daemon leaves, sockets that pass the device, SYNs over loopback
 * past a firewall, pings without privileges, and what is said where something is missing.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, connect as netConnect, type Server } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { connectMarked, createMarkedUdp } from '#node-agents/os/marked-socket.ts';
import { openPingSocket, type PingSocket } from '#node-agents/os/ping-socket.ts';
import { openInjector } from '#node-agents/os/raw-socket.ts';
import type { RoutePlan } from '#node-agents/os/route-plan.ts';
import { installRoutes, removeRoutes } from '#node-agents/os/routes.ts';
import { forwarding, transparentSupport } from '#node-agents/os/support.ts';
import { openTunDevice, type TunDevice, type TunOptions } from '#node-agents/os/tun-device.ts';
import { parseIp } from '#schema/name/ip.ts';
import { buildReset, buildUdp, buildUnreachable } from '#schema/packet/build.ts';
import { checksumOf, pseudoSum } from '#schema/packet/checksum.ts';
import { parseFrame } from '#schema/packet/parse.ts';
import { PacketView, protocols } from '#schema/packet/view.ts';
import { LonelyHost, whyNoHost } from './os/host.ts';

const reason = whyNoHost();
if (reason) console.warn(`skipped: ${reason}`);
const noFirewall =
  reason === undefined && spawnSync('nft', ['--version']).error ? 'nft is not installed' : undefined;
if (noFirewall) console.warn(`skipped in part: ${noFirewall}`);

const plan: RoutePlan = {
  device: 'sallyport0',
  addresses: ['100.96.0.1/32', 'fd96::1/128'],
  prefixes: ['100.96.0.0/12', 'fd96::/32', '10.66.0.0/16', 'fd66::/64'],
  captureDns: 'all',
  ipv6: true,
};

describe.skipIf(reason)('transparent mode on Linux', () => {
  let host: LonelyHost;
  const closing: (() => unknown)[] = [];
  const later = <T extends { close(): unknown }>(one: T): T => {
    closing.push(() => one.close());
    return one;
  };

  beforeAll(() => {
    host = new LonelyHost();
  });
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
    await removeRoutes();
  });
  afterAll(() => host?.close());

  const open = (options: Partial<TunOptions> = {}): TunDevice =>
    later(openTunDevice({ name: 'sallyport0', onFrame() {}, onLost() {}, ...options }));

  /** A device that answers each UDP datagram with its data in capitals. */
  const openShouting = (): TunDevice => {
    const view = new PacketView();
    const answer = Buffer.alloc(70_000);
    let id = 0;
    const device: TunDevice = open({
      onFrame(frame, length) {
        if (parseFrame(view, frame, length) !== undefined || view.protocol !== protocols.udp) return;
        const text = frame.toString('latin1', view.payload, view.payloadEnd).toUpperCase();
        const built = buildUdp(answer, {
          source: view.destination,
          sourcePort: view.destinationPort,
          destination: view.source,
          destinationPort: view.sourcePort,
          data: Buffer.from(text, 'latin1'),
          id: id++ & 0xffff,
        });
        device.write(answer, built);
      },
    });
    return device;
  };

  /** What `address` answers to `text` by UDP; undefined where nothing comes for a while. */
  async function ask(address: string, port: number, text: string): Promise<string> {
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
    try {
      socket.connect(port, address);
      await once(socket, 'connect');
      socket.send(text);
      const [bytes] = (await once(socket, 'message', { signal: AbortSignal.timeout(5000) })) as [Buffer];
      return bytes.toString();
    } finally {
      socket.close();
    }
  }

  /** How a program's connection to `address` ends: its error's code, or `connected`. */
  async function tryTcp(address: string, port: number): Promise<string> {
    const socket = netConnect({ host: address, port });
    try {
      await once(socket, 'connect', { signal: AbortSignal.timeout(5000) });
      return 'connected';
    } catch (error) {
      return (error as NodeJS.ErrnoException).code ?? String(error);
    } finally {
      socket.destroy();
    }
  }

  const echoAtFarEnd = async (port: number): Promise<Server> =>
    host.atFarEnd(async () => {
      const server = later(createServer((socket) => socket.on('error', () => {}).end('far')));
      server.listen(port, '::');
      await once(server, 'listening');
      return server;
    });

  test('the host is seen to be able, and nothing is changed by looking', async () => {
    const before = host.run('ip rule; ip -6 rule; ip link');
    expect(await transparentSupport()).toEqual({ ok: true, ipv6: true, mayInject: true });
    expect(forwarding()).toEqual({ ipv4: false, ipv6: false });
    expect(host.run('ip rule; ip -6 rule; ip link')).toBe(before);
  });

  describe('the device', () => {
    test('carries datagrams of programs both ways, small and large, v4 and v6', async () => {
      openShouting();
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
      const device: TunDevice = open({
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
      open({
        onFrame(frame, length) {
          if (parseFrame(view, frame, length) === undefined && view.destinationPort === 4001) seen++;
        },
      });
      await installRoutes(plan);
      const socket = later(createSocket('udp4'));
      socket.connect(4001, '10.66.0.9');
      await once(socket, 'connect');
      const data = Buffer.alloc(1200);
      const sent = 4000; // before the loop turns once: the device’s queue holds them
      for (let i = 0; i < sent; i++) await new Promise<void>((done) => socket.send(data, () => done()));
      await expect.poll(() => seen, { timeout: 5000 }).toBe(sent);
    });

    test('is one process’s at a time', () => {
      open();
      expect(() => open()).toThrow('sallyport0 is in use by another process');
    });

    test('is not made out of an interface of another kind, nor of a bad name', () => {
      expect(() => open({ name: 'cable' })).toThrow('cable is an interface of another kind');
      expect(() => open({ name: 'a name that is too long' })).toThrow('at most 15 characters');
    });

    test('says so when somebody deletes it, and protected addresses stay closed', async () => {
      const lost = new Promise<Error>((onLost) => open({ onLost }));
      await installRoutes(plan);
      host.run('ip link del sallyport0');
      expect(await lost).toMatchObject({ code: 'tun_lost' });
      expect(await tryTcp('10.66.0.9', 80)).toBe('EHOSTUNREACH');
      openShouting();
      await installRoutes(plan);
      expect(await ask('10.66.0.9', 4000, 'again')).toBe('AGAIN');
    });

    test('can be opened and closed over and over, without descriptors left', async () => {
      const descriptors = () => Number(execFileSync('sh', ['-c', `ls /proc/${process.pid}/fd | wc -l`]));
      const before = descriptors();
      for (let i = 0; i < 50; i++) {
        openTunDevice({ name: 'sallyport0', onFrame() {}, onLost() {} }).close();
        await new Promise((done) => setImmediate(done));
      }
      expect(descriptors()).toBeLessThanOrEqual(before + 2);
      expect(host.run('ip link')).not.toContain('sallyport0');
    });
  });

  describe('routes', () => {
    test('follow the ACL, and go without a trace', async () => {
      const before = host.run('ip rule; ip -6 rule; ip route show table all; ip -6 route show table all');
      const device = openShouting();
      const routes = await installRoutes({ ...plan, prefixes: [] });
      await routes.setPrefixes(['10.66.0.0/16', 'fd66::/64']);
      expect(await ask('10.66.0.9', 4000, 'in')).toBe('IN');
      await routes.setPrefixes(['10.67.0.0/16']);
      expect(await ask('10.67.0.9', 4000, 'in')).toBe('IN');
      expect(host.run('ip route get 10.66.0.9')).toContain('dev cable');
      expect(host.run('ip -6 route get fd66::9')).toContain('dev cable');
      await routes.remove();
      await routes.remove();
      await removeRoutes();
      device.close();
      expect(host.run('ip rule; ip -6 rule; ip route show table all; ip -6 route show table all')).toBe(
        before,
      );
    });

    test('changes that come quickly are carried out in their order', async () => {
      open();
      const routes = await installRoutes(plan);
      await Promise.all([
        routes.setPrefixes(['10.70.0.0/16']),
        routes.setPrefixes(['10.71.0.0/16', '10.72.0.0/16']),
        routes.setPrefixes(['10.72.0.0/16']),
      ]);
      expect(host.run('ip route show table 7057').match(/10\.\d+\.0\.0\/16 dev/g)).toEqual([
        '10.72.0.0/16 dev',
      ]);
    });

    test('a LAN of the host wins over an equal Resource unless it is overridden', async () => {
      await echoAtFarEnd(80);
      open();
      const routes = await installRoutes({ ...plan, prefixes: ['10.1.0.0/24', '10.0.0.0/8'] });
      expect(await tryTcp('10.1.0.2', 80)).toBe('connected');
      expect(host.run('ip route get 10.2.0.2')).toContain('dev sallyport0');
      await routes.remove();
      await installRoutes({ ...plan, prefixes: ['10.1.0.0/24'], override: ['10.1.0.0/24'] });
      expect(host.run('ip route get 10.1.0.2')).toContain('dev sallyport0');
    });

    test('a VPN that takes everything by two halves is no LAN', async () => {
      open();
      await installRoutes(plan);
      host.run('ip route add 0.0.0.0/1 via 10.1.0.2; ip route add 128.0.0.0/1 via 10.1.0.2');
      expect(host.run('ip route get 10.66.0.9')).toContain('dev sallyport0');
      host.run('ip route del 0.0.0.0/1; ip route del 128.0.0.0/1');
    });

    test('questions to any resolver are taken, one on the LAN too, also under strict reverse-path filters', async () => {
      host.run('sysctl -qw net.ipv4.conf.all.rp_filter=1 net.ipv4.conf.default.rp_filter=1');
      closing.push(() =>
        host.run('sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0'),
      );
      openShouting();
      const routes = await installRoutes(plan);
      expect(await ask('8.8.8.8', 53, 'dns')).toBe('DNS');
      expect(await ask('10.1.0.2', 53, 'dns')).toBe('DNS');
      expect(await ask('fd01::2', 53, 'dns')).toBe('DNS');
      expect(await ask('10.66.0.9', 4000, 'strict')).toBe('STRICT');
      await routes.remove();
      await installRoutes({ ...plan, captureDns: 'host' });
      expect(await ask('8.8.8.8', 53, 'dns')).toBe('DNS');
    });

    test('rules that somebody else flushed are set again', async () => {
      openShouting();
      const routes = await installRoutes(plan);
      host.run('ip rule del pref 5205; ip -6 rule del pref 5205; ip route flush table 7057');
      expect(host.run('ip route get 10.66.0.9')).toContain('dev cable');
      await routes.repair();
      expect(await ask('10.66.0.9', 4000, 'again')).toBe('AGAIN');
      expect(await ask('fd66::9', 4000, 'again')).toBe('AGAIN');
    });

    test('thousands are set and replaced', async () => {
      open();
      const some = (second: number) =>
        Array.from({ length: 4000 }, (_, i) => `10.${second}.${i >> 8}.${i & 255}`);
      const routes = await installRoutes({ ...plan, prefixes: some(70) });
      await routes.setPrefixes(some(71));
      const there = host.run('ip route show table 7057');
      expect(there.match(/^10\.71\./gm)).toHaveLength(4000);
      expect(there.match(/^unreachable 10\.71\./gm)).toHaveLength(4000);
      expect(there).not.toContain('10.70.');
    });

    test('a host without IPv6 is served by IPv4 alone', async () => {
      host.run('sysctl -qw net.ipv6.conf.default.disable_ipv6=1');
      closing.push(() => host.run('sysctl -qw net.ipv6.conf.default.disable_ipv6=0'));
      expect(await transparentSupport()).toMatchObject({ ok: true, ipv6: false });
      openShouting();
      await installRoutes({ ...plan, ipv6: false });
      expect(await ask('10.66.0.9', 4000, 'four')).toBe('FOUR');
      expect(host.run('ip -6 rule')).not.toContain('7057');
    });

    test('what cannot be set is named, and what was set until then is gone again', async () => {
      const before = host.run('ip rule; ip route show table all');
      await expect(installRoutes({ ...plan, device: 'nowhere0' })).rejects.toMatchObject({
        code: 'routes_failed',
        message: expect.stringContaining('nowhere0'),
      });
      expect(host.run('ip rule; ip route show table all')).toBe(before);
    });
  });

  describe('a daemon that is killed', () => {
    async function hold(prefixes: string): Promise<ChildProcess> {
      const file = new URL('./os/hold.ts', import.meta.url).pathname;
      const child = spawn(process.execPath, [file, prefixes], { stdio: ['pipe', 'pipe', 'inherit'] });
      closing.push(() => child.kill('SIGKILL'));
      expect(String((await once(child.stdout, 'data'))[0])).toBe('ready\n');
      return child;
    }

    test('leaves protected addresses closed and everything else as it was; the next start cleans up', async () => {
      const before = host.run('ip rule; ip -6 rule; ip route show table all; ip -6 route show table all');
      await echoAtFarEnd(80);
      const child = await hold('10.66.0.0/16,10.99.0.0/16,fd66::/64');
      expect(host.run('ip route get 10.66.0.9')).toContain('dev sallyport0');
      child.kill('SIGKILL');
      await once(child, 'exit');
      await expect.poll(() => host.run('ip link')).not.toContain('sallyport0');

      expect(await tryTcp('10.66.0.9', 80)).toBe('EHOSTUNREACH');
      expect(await tryTcp('fd66::9', 80)).toBe('EHOSTUNREACH');
      expect(await tryTcp('10.1.0.2', 80)).toBe('connected');
      expect(await tryTcp('fd01::2', 80)).toBe('connected');
      expect(host.run('ip route get 10.1.0.2 ipproto udp dport 53')).toContain('dev cable');
      const left = host.run('ip route show table 7057; ip -6 route show table 7057').trim().split('\n');
      expect(left.every((route) => route.startsWith('unreachable'))).toBe(true);
      expect(left).toHaveLength(3);

      openShouting();
      const routes = await installRoutes(plan);
      expect(await ask('10.66.0.9', 4000, 'back')).toBe('BACK');
      expect(host.run('ip route show table 7057')).not.toContain('10.99.');
      expect(host.run('ip rule').match(/^52\d\d:/gm)).toHaveLength(6);
      await routes.remove();
      for (const close of closing.splice(0).reverse()) await close();
      expect(host.run('ip rule; ip -6 rule; ip route show table all; ip -6 route show table all')).toBe(
        before,
      );
    });

    test('can be cleaned up after by itself, more than once', async () => {
      const child = await hold('10.66.0.0/16');
      child.kill('SIGKILL');
      await once(child, 'exit');
      await removeRoutes();
      await removeRoutes();
      expect(host.run('ip rule; ip -6 rule')).not.toMatch(/^52\d\d:/m);
      expect(host.run('ip route show table all')).not.toContain('unreachable');
    });
  });

  describe('sockets', () => {
    test('with our mark pass the device, by TCP and UDP', async () => {
      await echoAtFarEnd(80);
      await host.atFarEnd(async () => {
        const socket = later(createSocket('udp4'));
        socket.on('message', (bytes, from) => socket.send(`${bytes} back`, from.port, from.address));
        socket.bind(4000, '10.1.0.2');
        await once(socket, 'listening');
      });
      open();
      await installRoutes({
        ...plan,
        prefixes: ['10.1.0.0/24', 'fd01::/64'],
        override: ['10.1.0.0/24', 'fd01::/64'],
      });
      expect(host.run('ip route get 10.1.0.2')).toContain('dev sallyport0');
      for (const address of ['10.1.0.2', 'fd01::2']) {
        const socket = connectMarked({ address, port: 80 });
        let text = '';
        socket.setEncoding('utf8').on('data', (part) => {
          text += part;
        });
        await once(socket, 'end');
        expect(text).toBe('far');
        socket.destroy();
      }
      const udp = later(createMarkedUdp(4));
      udp.connect(4000, '10.1.0.2');
      await once(udp, 'connect');
      udp.send('marked');
      const [answer] = (await once(udp, 'message')) as [Buffer];
      expect(answer.toString()).toBe('marked back');
    });

    test('tell a refusal as any other', async () => {
      const socket = connectMarked({ address: '10.1.0.2', port: 9 });
      await expect(once(socket, 'connect')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    });
  });

  describe.skipIf(noFirewall)('a SYN', () => {
    /** From the fake peer 100.96.0.2 (fd96::2) port 5000 to the device's address. */
    function synTo(port: number, family: 4 | 6): Buffer {
      const size = family === 4 ? 4 : 16;
      const at = family === 4 ? 20 : 40;
      const packet = Buffer.alloc(at + 20);
      const source = parseIp(family === 4 ? '100.96.0.2' : 'fd96::2')!.bytes;
      const destination = parseIp(family === 4 ? '100.96.0.1' : 'fd96::1')!.bytes;
      const addressesAt = at - 2 * size;
      packet.set([...source, ...destination], addressesAt);
      if (family === 4) {
        packet.set([0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, 6]);
        packet.writeUInt16BE(checksumOf(packet, 0, 20), 10);
      } else packet.set([0x60, 0, 0, 0, 0, 20, 6, 64]);
      packet.writeUInt16BE(5000, at);
      packet.writeUInt16BE(port, at + 2);
      packet.writeUInt32BE(1000, at + 4);
      packet.set([0x50, 0x02, 0xff, 0xff], at + 12);
      packet.writeUInt16BE(
        checksumOf(packet, at, at + 20, pseudoSum(packet, addressesAt, size, 6, 20)),
        at + 16,
      );
      return packet;
    }

    test.each([4, 6] as const)(
      'goes over loopback past a firewall that drops what is new (IPv%i)',
      async (family) => {
        const answers: number[] = [];
        const view = new PacketView();
        const device = open({
          onFrame(frame, length) {
            if (parseFrame(view, frame, length) === undefined && view.protocol === protocols.tcp)
              answers.push(view.flags);
          },
        });
        await installRoutes(plan);
        const server = later(createServer());
        server.listen(0, family === 4 ? '100.96.0.1' : 'fd96::1');
        await once(server, 'listening');
        const { port } = server.address() as { port: number };
        host.run(`nft -f - <<'RULES'
table inet firewall { chain input { type filter hook input priority 0; policy drop; iifname "lo" accept; ct state established,related accept; meta l4proto ipv6-icmp accept; }; }
RULES`);
        try {
          const syn = synTo(port, family);
          device.write(Buffer.concat([Buffer.alloc(10), syn]));
          const injector = later(openInjector()!);
          expect(injector.inject(syn)).toBe(true);
          await expect.poll(() => answers.length).toBeGreaterThan(0);
          expect(answers.every((flags) => flags === 0x12)).toBe(true);
        } finally {
          host.run('nft delete table inet firewall');
        }
      },
    );
  });

  describe('pings', () => {
    const gather = (address: string) => {
      const heard: unknown[] = [];
      const verdict = openPingSocket(parseIp(address)!, {
        onReply: (sequence, payload) => heard.push([sequence, payload.toString()]),
        onError: (code) => heard.push(code),
      });
      if (verdict.ok) later(verdict.socket);
      return { heard, verdict, socket: verdict.ok ? verdict.socket : (undefined as unknown as PingSocket) };
    };

    test('are refused where the kernel does not permit them to this group', () => {
      host.run('sysctl -qw net.ipv4.ping_group_range="1 0"');
      expect(gather('10.1.0.2').verdict).toMatchObject({ ok: false, code: 'icmp_unavailable' });
    });

    test('are answered, v4 and v6, each to its own socket', async () => {
      host.run('sysctl -qw net.ipv4.ping_group_range="0 2147483647"');
      for (const address of ['10.1.0.2', 'fd01::2']) {
        const [one, other] = [gather(address), gather(address)];
        expect(one.socket.send(7, Buffer.from('first'))).toBe(true);
        expect(one.socket.send(65_535, Buffer.alloc(0))).toBe(true);
        expect(other.socket.send(7, Buffer.from('other'))).toBe(true);
        await expect.poll(() => [one.heard.length, other.heard.length]).toEqual([2, 1]);
        expect(one.heard).toEqual([
          [7, 'first'],
          [65_535, ''],
        ]);
        expect(other.heard).toEqual([[7, 'other']]);
      }
    });

    test('to nobody are told as unreachable, and the socket lives on without spinning', async () => {
      host.run('ip route add unreachable 10.50.0.0/24; ip -6 route add unreachable fd50::/64', 'far');
      host.run('sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1', 'far');
      for (const [address, code] of [
        ['10.50.0.1', 'host_unreachable'],
        ['fd50::1', 'network_unreachable'],
      ] as const) {
        const { heard, socket } = gather(address);
        socket.send(1, Buffer.from('?'));
        await expect.poll(() => heard).toEqual([code]);
        // The kernel grants few unreachables a second: what matters is that nothing runs on its own.
        const before = process.cpuUsage();
        await new Promise((done) => setTimeout(done, 300));
        const { user, system } = process.cpuUsage(before);
        expect(user + system).toBeLessThan(200_000);
      }
    });

    test('too long are lost, not an error', () => {
      const { socket } = gather('10.1.0.2');
      expect(socket.send(1, Buffer.alloc(70_000))).toBe(false);
      expect(socket.send(1, Buffer.alloc(1200))).toBe(true);
    });
  });

  describe('what is missing is named', () => {
    const file = new URL('./os/hold.ts', import.meta.url).pathname;
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
      spawnSync('sh', ['-c', `${nobody} sh -c 'test -r ${file} && test -x ${process.execPath}'`]).status ===
      0;
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
});
