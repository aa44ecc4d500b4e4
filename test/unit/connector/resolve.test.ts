/** Proves node-agents/connector/{resolve,connect}.ts: names are looked up here, and never lead where they must not. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { connect } from '#node-agents/connector/connect.ts';
import { limits } from '#node-agents/connector/limits.ts';
import { createResolver, mayConnect, resolve } from '#node-agents/connector/resolve.ts';
import { formatIp, parseIp } from '#schema/name/ip.ts';
import { PrivateDns } from '../../world/private-dns.ts';
import { resource } from './place.ts';

const ip = (text: string) => parseIp(text)!;
const never = new AbortController().signal;

let dns: PrivateDns;
beforeAll(async () => {
  dns = await PrivateDns.start({
    'db.internal': ['10.1.2.3', '10.1.2.4', '2001:db8::5'],
    'rebound.internal': ['127.0.0.1'],
    'mixed.internal': ['127.0.0.1', '10.1.2.3', '::1'],
    'mapped.internal': ['::ffff:127.0.0.1'],
    'metadata.internal': ['169.254.169.254'],
    'here.internal': ['10.77.0.1'],
    'empty.internal': [],
  });
});
afterAll(() => dns.stop());

describe('resolve', () => {
  const own = [ip('10.77.0.1')];
  const asked = async (host: string, more = {}) => {
    const one = resource('res_a', '*.internal', more);
    const verdict = await resolve(
      { resource: one, rule: one.address },
      host,
      { lookup: (name) => createResolver([dns.address]).lookup(name, 'svc_app') },
      own,
    );
    return verdict.ok ? verdict.addresses.map(formatIp) : verdict.code;
  };

  test('both families, alternating', async () => {
    expect(await asked('db.internal')).toEqual(['2001:db8::5', '10.1.2.3', '10.1.2.4']);
  });

  test('a name that does not exist, or has no address', async () => {
    expect(await asked('nowhere.internal')).toBe('name_not_found');
    expect(await asked('empty.internal')).toBe('name_not_found');
  });

  test.each(['rebound.internal', 'mapped.internal', 'metadata.internal', 'here.internal'])(
    '%s is refused',
    async (host) => expect(await asked(host)).toBe('address_forbidden'),
  );

  test('of several addresses the allowed ones are left', async () => {
    expect(await asked('mixed.internal')).toEqual(['10.1.2.3']);
  });

  test('a Resource that may be reserved opens loopback, but never the metadata service by name', async () => {
    expect(await asked('rebound.internal', { reserved: true })).toEqual(['127.0.0.1']);
    expect(await asked('metadata.internal', { reserved: true })).toBe('address_forbidden');
  });

  test('a resolver that says nothing is a failure, not an absence', async () => {
    const silent = createSocket('udp4');
    silent.bind(0, '127.0.0.1');
    await once(silent, 'listening');
    const answer = await createResolver([`127.0.0.1:${silent.address().port}`]).lookup(
      'db.internal',
      'svc_app',
    );
    expect(answer).toMatchObject({ code: 'name_failed' });
    silent.close();
  }, 15_000);

  test('the system’s resolver knows the system’s names', async () => {
    const answer = await createResolver([]).lookup('localhost', 'svc_app');
    expect(answer.ok && answer.addresses.map(formatIp)).toContain('127.0.0.1');
  });
});

describe('names that nobody answers for', () => {
  const found = { ok: true as const, addresses: [ip('10.1.2.3')] };
  const places = { places: 2, perPrincipal: 1, waiting: 4, waitingPerPrincipal: 3 };
  /** Answers `good…` at once, everything else when told to. */
  const stuck = () => {
    const asked: string[] = [];
    const hanging: (() => void)[] = [];
    const resolver = createResolver(
      [],
      (name) => {
        asked.push(name);
        if (name.startsWith('good')) return Promise.resolve(found);
        return new Promise((done) => hanging.push(() => done(found)));
      },
      places,
    );
    return { asked, hanging, resolver };
  };

  test('leave a place to other principals; what is too much fails at once', async () => {
    const { asked, resolver } = stuck();
    for (let i = 0; i < 4; i++) void resolver.lookup(`random${i}`, 'svc_rogue');
    const refused = await resolver.lookup('random4', 'svc_rogue');
    expect(refused).toMatchObject({ code: 'name_failed', detail: 'limit_reached' });
    expect(await resolver.lookup('good', 'svc_app')).toBe(found);
    expect(await resolver.lookup('good2', 'svc_app')).toBe(found);
    expect(asked).toEqual(['random0', 'good', 'good2']);
  });

  test('are not asked for again while the first question goes on, however many wait', async () => {
    vi.useFakeTimers();
    try {
      const { asked, hanging, resolver } = stuck();
      for (let i = 0; i < 3; i++) {
        const answer = resolver.lookup('random', 'svc_rogue');
        await vi.advanceTimersByTimeAsync(limits.resolveMs);
        expect(await answer).toMatchObject({ code: 'name_failed' });
      }
      expect(asked).toEqual(['random']);
      const late = resolver.lookup('good', 'svc_rogue');
      await vi.advanceTimersByTimeAsync(limits.resolveMs);
      expect(await late).toMatchObject({ code: 'name_failed' });
      hanging[0]!();
      expect(await resolver.lookup('good', 'svc_rogue')).toBe(found);
    } finally {
      vi.useRealTimers();
    }
  });

  test('principals take turns', async () => {
    const { asked, hanging, resolver } = stuck();
    void resolver.lookup('a0', 'svc_a');
    void resolver.lookup('b0', 'svc_b');
    void resolver.lookup('a1', 'svc_a');
    void resolver.lookup('a2', 'svc_a');
    void resolver.lookup('c0', 'svc_c');
    hanging[0]!();
    await vi.waitFor(() => expect(asked).toHaveLength(3));
    hanging[2]!();
    await vi.waitFor(() => expect(asked).toHaveLength(4));
    expect(asked).toEqual(['a0', 'b0', 'a1', 'c0']);
  });
});

test.each([
  ['10.1.2.3', { address: '10.0.0.0/8' }, true],
  ['127.0.0.1', { address: '127.0.0.1' }, false],
  ['127.0.0.1', { address: '127.0.0.1', reserved: true }, true],
  ['127.0.0.1', { address: '0.0.0.0/0' }, false],
  ['169.254.169.254', { address: '169.254.169.254', reserved: true }, true],
  ['169.254.169.254', { address: '169.254.0.0/16', reserved: true }, false],
  ['64:ff9b::a9fe:a9fe', { address: '::/0' }, false],
  ['224.0.0.1', { address: '*', reserved: true }, false],
  ['100.96.0.1', { address: '100.96.0.1', reserved: true }, false],
  ['10.77.0.1', { address: '10.77.0.0/24' }, false],
  ['10.77.0.1', { address: '10.77.0.1' }, true],
])('%s through %o: %s', (address, { address: pattern, ...more }, expected) => {
  expect(mayConnect(ip(address), resource('res_a', pattern, more), [ip('10.77.0.1')])).toBe(expected);
});

describe('connect', () => {
  const listen = async (host: string, port = 0) => {
    const server = createServer((socket) => void socket.on('error', () => {})).listen(port, host);
    await once(server, 'listening');
    return { server, port: (server.address() as { port: number }).port };
  };

  test('the next address when one refuses', async () => {
    const { server, port } = await listen('127.0.0.3');
    const verdict = await connect([ip('127.0.0.2'), ip('127.0.0.3')], port, never);
    expect(verdict).toMatchObject({ ok: true, address: '127.0.0.3' });
    if (verdict.ok) verdict.socket.destroy();
    server.close();
  });

  test('nobody listens', async () => {
    expect(await connect([ip('127.0.0.1')], 1, never)).toMatchObject({ code: 'connection_refused' });
  });

  test('beside an address that does not answer the next is tried', async () => {
    const { server, port } = await listen('127.0.0.5');
    const times = { connectMs: 300, connectStaggerMs: 20 };
    const verdict = await connect([ip('192.0.2.1'), ip('127.0.0.5')], port, never, times);
    expect(verdict.ok || verdict.code).toBe(true);
    if (verdict.ok) verdict.socket.destroy();
    server.close();
  });

  test('an abort leaves nothing behind', async () => {
    const giveUp = new AbortController();
    const verdict = connect([ip('192.0.2.1')], 9, giveUp.signal, { connectMs: 5_000, connectStaggerMs: 20 });
    giveUp.abort();
    expect((await verdict).ok).toBe(false);
  });
});
