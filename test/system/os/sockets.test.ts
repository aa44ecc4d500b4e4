/** Sockets that pass the TUN device, SYNs over loopback past a firewall, and pings without privileges. */
import { spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import { connectMarked, createMarkedUdp } from '#node-agents/os/marked-socket.ts';
import { openPingSocket, type PingSocket } from '#node-agents/os/ping-socket.ts';
import { openInjector } from '#node-agents/os/raw-socket.ts';
import { installRoutes } from '#node-agents/os/routes.ts';
import { parseIp } from '#schema/name/ip.ts';
import { checksumOf, pseudoSum } from '#schema/packet/checksum.ts';
import { parseFrame } from '#schema/packet/parse.ts';
import { PacketView, protocols } from '#schema/packet/view.ts';
import { plan, stand } from './ground.ts';
import { whyNoHost } from './host.ts';

const reason = whyNoHost();
if (reason) console.warn(`skipped: ${reason}`);

const noFirewall =
  reason === undefined && spawnSync('nft', ['--version']).error ? 'nft is not installed' : undefined;
if (noFirewall) console.warn(`skipped in part: ${noFirewall}`);

describe.skipIf(reason)('sockets', () => {
  const ground = stand();

  describe('with our mark', () => {
    test('pass the device, by TCP and UDP', async () => {
      await ground.listenAtFarEnd(80);
      await ground.host.atFarEnd(async () => {
        const socket = ground.later(createSocket('udp4'));
        socket.on('message', (bytes, from) => socket.send(`${bytes} back`, from.port, from.address));
        socket.bind(4000, '10.1.0.2');
        await once(socket, 'listening');
      });
      ground.open();
      await installRoutes({
        ...plan,
        prefixes: ['10.1.0.0/24', 'fd01::/64'],
        override: ['10.1.0.0/24', 'fd01::/64'],
      });
      expect(ground.host.run('ip route get 10.1.0.2')).toContain('dev sallyport0');
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
      const udp = ground.later(createMarkedUdp(4));
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
        const device = ground.open({
          onFrame(frame, length) {
            if (parseFrame(view, frame, length) === undefined && view.protocol === protocols.tcp)
              answers.push(view.flags);
          },
        });
        await installRoutes(plan);
        const server = ground.later(createServer());
        server.listen(0, family === 4 ? '100.96.0.1' : 'fd96::1');
        await once(server, 'listening');
        const { port } = server.address() as { port: number };
        ground.host.run(`nft -f - <<'RULES'
table inet firewall { chain input { type filter hook input priority 0; policy drop; iifname "lo" accept; ct state established,related accept; meta l4proto ipv6-icmp accept; }; }
RULES`);
        try {
          const syn = synTo(port, family);
          device.write(Buffer.concat([Buffer.alloc(10), syn]));
          const injector = ground.later(openInjector()!);
          expect(injector.inject(syn)).toBe(true);
          await expect.poll(() => answers.length).toBeGreaterThan(0);
          expect(answers.every((flags) => flags === 0x12)).toBe(true);
        } finally {
          ground.host.run('nft delete table inet firewall');
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
      if (verdict.ok) ground.later(verdict.socket);
      return { heard, verdict, socket: verdict.ok ? verdict.socket : (undefined as unknown as PingSocket) };
    };

    test('are refused where the kernel does not permit them to this group', () => {
      ground.host.run('sysctl -qw net.ipv4.ping_group_range="1 0"');
      expect(gather('10.1.0.2').verdict).toMatchObject({ ok: false, code: 'icmp_unavailable' });
    });

    test('are answered, v4 and v6, each to its own socket', async () => {
      ground.host.run('sysctl -qw net.ipv4.ping_group_range="0 2147483647"');
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
      ground.host.run('ip route add unreachable 10.50.0.0/24; ip -6 route add unreachable fd50::/64', 'far');
      ground.host.run('sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1', 'far');
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
});
