/**
 * Questions for protected names stay in the host, and all others leave it, by UDP and TCP, whatever program asks;
 * asked of a real resolver at the far end of a cable.
 */
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import {
  type ClosedNames,
  closeNames,
  mostWays,
  namesClosed,
  openNames,
  stayAlive,
} from '#node-agents/os/closed-names.ts';
import { createMarkedUdp } from '#node-agents/os/marked-socket.ts';
import { parseIp, parsePrefix } from '#schema/name/ip.ts';
import { writeQuery } from '#schema/name/write-message.ts';
import { outcomeOf } from '../../world/internet.ts';
import { PrivateDns } from '../../world/private-dns.ts';
import { stand } from './ground.ts';
import { whyNoHost } from './host.ts';

const reason = whyNoHost();
const far = '10.1.0.2';

describe.skipIf(reason)('closed names', () => {
  const ground = stand();

  const close = (patterns: string[], more: Partial<ClosedNames> = {}): number => {
    ground.afterwards(openNames);
    return closeNames({
      ...{ device: 'sallyport0', patterns, exempt: [], networks: [] },
      resolver: [parseIp('100.96.0.1')!, parseIp('fd96::1')!],
      ...more,
    });
  };
  const resolver = async (known: Record<string, string[]>): Promise<PrivateDns> => {
    const dns = await ground.host.atFarEnd(() => PrivateDns.start(known, 53, far));
    ground.afterwards(() => dns.stop());
    return dns;
  };
  // This process is in the host, and so is what it starts.
  const dig = async (...args: string[]): Promise<string> =>
    (await outcomeOf(['dig', '+tries=1', '+time=2', ...args.filter((one) => one !== '')])).stdout;
  const status = async (...args: string[]): Promise<string> =>
    /status: (\w+)/.exec(await dig(`@${far}`, ...args))?.[1] ?? 'refused';
  const each = (all: string[], ways: string[]) =>
    Promise.all(
      all.flatMap((name) => ways.map(async (way) => [name, way, await status(name, ...way.split(' '))])),
    );

  test('spelt out or below a wildcard, in whatever case, at whatever length', async () => {
    const long = `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.apps.test`;
    const dns = await resolver({});
    close(['web.corp.test', '*.apps.test', 'db-?.x.test', '10.0.0.0/8', '192.0.2.1']);
    const own = ['web.corp.test', 'WEB.Corp.tEst', 'a.apps.test', 'a.b.apps.test', 'db-1.x.test', long];
    const asked = await each(own, ['', '+tcp', '+noedns', '+dnssec +bufsize=4096', '-t MX']);
    expect(asked.filter(([, , came]) => came !== 'refused')).toEqual([]);
    expect(dns.asked).toEqual([]);
    const near = ['corp.test', 'xweb.corp.test', 'a.web.corp.test', 'web.corp.test.example', 'apps.test'];
    const others = await each([...near, 'x-apps.test', 'web.corp.tes', 'example'], ['', '+tcp']);
    expect(others.filter(([, , came]) => came !== 'NXDOMAIN')).toEqual([]);
  });

  test('the daemon’s own questions pass, so do exempt names, and after the end all do', async () => {
    await resolver({ 'ctl.corp.test': [far], 'web.corp.test': [far] });
    close(['*.corp.test'], { exempt: ['ctl.corp.test'] });
    expect(await status('ctl.corp.test')).toBe('NOERROR');
    expect(await status('web.corp.test')).toBe('refused');
    const marked = createMarkedUdp(4);
    const question = { name: 'web.corp.test', type: 1, class: 1 };
    marked.send(writeQuery({ id: 7, question }), 53, far);
    await once(marked, 'message', { signal: AbortSignal.timeout(5_000) });
    marked.close();
    expect(namesClosed()).toBe(true);
    openNames();
    expect(namesClosed()).toBe(false);
    expect(await status('web.corp.test')).toBe('NOERROR');
    openNames();
  });

  test('what was closed before is replaced; loopback is open to a resolver there that hands ours to us', async () => {
    const dns = await PrivateDns.start({ 'web.corp.test': [far], 'db.corp.test': [far] }, 53, '127.0.0.1');
    ground.afterwards(() => dns.stop());
    const local = (name: string) => dig('+short', '@127.0.0.1', name);
    close(['web.corp.test']);
    expect(await local('web.corp.test')).not.toContain(`${far}\n`);
    expect(await local('db.corp.test')).toBe(`${far}\n`);
    close(['db.corp.test']);
    expect(await local('web.corp.test')).toBe(`${far}\n`);
    expect(await local('db.corp.test')).not.toContain(`${far}\n`);
    close(['db.corp.test'], { loopbackUntilMs: Date.now() + 60_000 });
    expect(await local('db.corp.test')).toBe(`${far}\n`);
    // Nobody says any more that it hands ours to us.
    expect(stayAlive(Date.now() - 1)).toBe(true);
    expect(await local('db.corp.test')).not.toContain(`${far}\n`);
    expect(stayAlive(Date.now() + 60_000)).toBe(true);
    expect(await local('db.corp.test')).toBe(`${far}\n`);
    openNames();
    expect(stayAlive(Date.now() + 60_000)).toBe(false);
  });

  test('on their way through the host: those of the networks that it serves, nobody else’s', () => {
    close(['web.corp.test'], { networks: [parsePrefix('192.168.77.0/25')!, parsePrefix('fd77::/64')!] });
    const listed = ground.host.run('nft list chain inet sallyport forward');
    expect(listed).toContain('ip saddr 192.168.77.0/25 udp dport 53 jump udp');
    expect(listed).toContain('ip6 saddr fd77::/64 tcp dport 53 jump tcp');
  });

  test('more than there is room for: names before wildcards, and how many are left is told', async () => {
    await resolver({});
    const many = Array.from({ length: mostWays - 100 }, (_, i) => `host-${i}.corp.test`);
    expect(close(['*.apps.test', ...many])).toBe(1);
    expect(await status(many.at(-1)!)).toBe('refused');
    expect(await status('a.apps.test')).toBe('NXDOMAIN');
  });
});
