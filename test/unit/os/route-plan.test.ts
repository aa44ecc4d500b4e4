/** The rules and routes of transparent mode as data, and what of the host's own is left alone. */
import { expect, test } from 'vitest';
import {
  closedPrefixes,
  compareRoutes,
  compareRules,
  type ListedRule,
  prefixesOf,
  type RoutePlan,
  routesOf,
  rulesOf,
} from '#node-agents/os/route-plan.ts';

const plan: RoutePlan = {
  device: 'sallyport0',
  addresses: ['100.96.0.1/32', 'fd96::1/128'],
  prefixes: ['100.96.0.0/12', '10.66.0.0/16', '10.66.0.5', 'fd66::/64'],
  captureDns: 'all',
  ipv6: true,
};

test('the daemon’s own sockets skip the block, and a LAN wins over an equal Resource', () => {
  expect(rulesOf(plan, 4)).toEqual([
    'pref 5200 fwmark 0x7057 goto 5209',
    'pref 5201 ipproto udp dport 53 lookup 7053',
    'pref 5202 ipproto tcp dport 53 lookup 7053',
    'pref 5204 lookup main suppress_prefixlength 1',
    'pref 5205 lookup 7057',
    'pref 5209 nop',
  ]);
});

test('names asked of any server are taken from this host alone, from all, or not at all', () => {
  const taken = (captureDns: RoutePlan['captureDns']) =>
    rulesOf({ ...plan, captureDns }, 4).filter((rule) => rule.includes('dport 53'));
  expect(taken('none')).toEqual([]);
  expect(taken('host')).toEqual([
    'pref 5201 iif lo ipproto udp dport 53 lookup 7053',
    'pref 5202 iif lo ipproto tcp dport 53 lookup 7053',
    'pref 5202 iif sallyport0 ipproto udp dport 53 lookup 7053',
  ]);
  expect(taken('all')).toHaveLength(2);
  expect(routesOf({ ...plan, captureDns: 'none' }, 4).open).not.toContainEqual(
    expect.stringContaining('table 7053'),
  );
});

test('an override is a rule of its own, of its family', () => {
  const override = ['192.168.60.9/24', 'fd60::1'];
  expect(rulesOf({ ...plan, override }, 4)).toContain('pref 5203 to 192.168.60.0/24 lookup 7057');
  expect(rulesOf({ ...plan, override }, 6)).toContain('pref 5203 to fd60::1/128 lookup 7057');
  expect(rulesOf({ ...plan, override }, 6).join()).not.toContain('192.168');
});

test('each prefix is closed as well as open', () => {
  const { closed, open } = routesOf(plan, 4);
  expect(closed).toContain('unreachable 10.66.0.5/32 table 7057 metric 4278198272');
  expect(open).toContain('10.66.0.5/32 dev sallyport0 table 7057 metric 10');
  expect(open).toContain('0.0.0.0/0 dev sallyport0 table 7053');
  expect(closed).toHaveLength(3);
  expect(open).toHaveLength(4);
});

test('prefixes are written as ip lists them, once each', () => {
  expect(prefixesOf(['10.66.0.9/16', '10.66.0.0/16', 'FD66:0::1/64', '::ffff:10.1.0.0/112'], 4)).toEqual([
    '10.66.0.0/16',
    '10.1.0.0/16',
  ]);
  expect(prefixesOf(['FD66:0:0::1/64', '::/0'], 6)).toEqual(['fd66::/64', '::/0']);
  expect(() => prefixesOf(['10.66.0.0/33'], 4)).toThrow('10.66.0.0/33');
  expect(() => prefixesOf(['10.0.0.0/8 dev eth0'], 4)).toThrow('no prefix');
});

/** As iproute2 6.1 prints them. */
const listed: ListedRule[] = [
  { priority: 0, src: 'all', table: 'local' },
  { priority: 5200, src: 'all', fwmark: '0x7057', goto: 5209 },
  { priority: 5201, src: 'all', ipproto: 'udp', dport: 53, table: '7053' },
  { priority: 5202, src: 'all', ipproto: 'tcp', dport: 53, table: '7053' },
  { priority: 5203, src: 'all', dst: '192.168.60.0', dstlen: 24, table: '7057' },
  { priority: 5203, src: 'all', dst: '192.168.61.1', table: '7057' },
  { priority: 5204, src: 'all', table: 'main', suppress_prefixlen: 1 },
  { priority: 5205, src: 'all', table: '7057' },
  { priority: 5209, src: 'all', nop: null },
  { priority: 32766, src: 'all', table: 'main' },
];

test('rules that are right stay, those of an earlier start go', () => {
  expect(compareRules(rulesOf({ ...plan, override: ['192.168.60.0/24'] }, 4), listed, 4)).toEqual({
    add: [],
    remove: ['pref 5203 to 192.168.61.1/32 lookup 7057'],
  });
});

test('rules of others are left alone, even of our priorities', () => {
  const others: ListedRule[] = [
    { priority: 5203, src: 'all', table: '52' },
    { priority: 5205, src: 'all', iif: 'eth0', table: 'main' },
    { priority: 5300, src: 'all', table: '7057' },
  ];
  expect(compareRules([], [...listed, ...others], 4).remove).toHaveLength(8);
});

test('routes that are right stay, in both tables', () => {
  const { closed, open } = routesOf(plan, 4);
  const there = {
    protected: [
      { type: 'unreachable', dst: '100.96.0.0/12', metric: 4278198272 },
      { type: 'unreachable', dst: '10.66.0.0/16', metric: 4278198272 },
      { type: 'unreachable', dst: '10.66.0.5', metric: 4278198272 },
      { type: 'unreachable', dst: '10.67.0.0/16', metric: 4278198272 },
      { dst: '10.66.0.5', dev: 'sallyport0', metric: 10 },
    ],
    dns: [{ dst: 'default', dev: 'sallyport0' }],
  };
  expect(compareRoutes([...closed, ...open], there, 4)).toEqual({
    add: [
      '100.96.0.0/12 dev sallyport0 table 7057 metric 10',
      '10.66.0.0/16 dev sallyport0 table 7057 metric 10',
    ],
    remove: ['unreachable 10.67.0.0/16 table 7057 metric 4278198272'],
  });
});

test('what a killed daemon left closed is told as prefixes, its device’s routes are not', () => {
  const listed = [
    { type: 'unreachable', dst: '10.66.0.0/16' },
    { type: 'unreachable', dst: '10.66.0.5' },
    { dst: '10.67.0.0/16', dev: 'sallyport0' },
  ];
  expect(closedPrefixes(listed, 4)).toEqual(['10.66.0.0/16', '10.66.0.5/32']);
  expect(closedPrefixes([{ type: 'unreachable', dst: 'fd66::5' }], 6)).toEqual(['fd66::5/128']);
});
