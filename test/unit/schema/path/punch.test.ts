/**
 * Proves schema/path/punch.ts: which pairs of NATs two ends get through that dial each other, how soon they
 * stop where nothing gets through, and that no peer can have more than so many SYNs sent.
 */
import { describe, expect, test } from 'vitest';
import type { Candidate } from '#schema/path/candidates.ts';
import { Punch, punchTimes } from '#schema/path/punch.ts';
import { SeededRandom } from '../../../fuzz/random.ts';
import { type Nat, VirtualNetwork } from './virtual-network.ts';

const kinds: Record<string, Nat> = {
  none: { mapping: 'none', filtering: 'endpoint-independent', unsolicited: 'reset' },
  firewall: { mapping: 'none', filtering: 'address-and-port-dependent', unsolicited: 'drop' },
  full: { mapping: 'endpoint-independent', filtering: 'endpoint-independent', unsolicited: 'drop' },
  address: { mapping: 'endpoint-independent', filtering: 'address-dependent', unsolicited: 'drop' },
  port: { mapping: 'endpoint-independent', filtering: 'address-and-port-dependent', unsolicited: 'drop' },
  resetting: {
    mapping: 'endpoint-independent',
    filtering: 'address-and-port-dependent',
    unsolicited: 'reset',
  },
  symmetric: {
    mapping: 'address-and-port-dependent',
    filtering: 'address-and-port-dependent',
    unsolicited: 'drop',
  },
};

/** The Client listens as well, to the Connector's addresses; the Connector never does. */
function meet(client: Nat, connector: Nat, seed: number, leastMs = 0.1) {
  const random = new SeededRandom(seed);
  const latencyMs = leastMs * (100 / leastMs) ** random.next();
  const network = new VirtualNetwork(() => random.next(), latencyMs);
  const c = network.host('10.1.0.2:4000', client, '192.0.2.1');
  const k = network.host('10.2.0.2:5000', connector, '192.0.2.2');
  const [toClient, toConnector] = [network.reflexive(c), network.reflexive(k)];
  // The offer arrives before the answer does.
  network.at(0, () => k.start([toClient]));
  network.at(random.next() * 200, () => {
    c.listensTo = new Set([toConnector.address]);
    c.start([toConnector]);
  });
  const both = () => c.connected.size > 0 && k.connected.size > 0;
  network.run(20_000, both);
  return { direct: both(), ms: network.now, packets: network.packets };
}

/** Only a Client that can be reached from any port makes up for a Connector whose port nobody can know. */
const reachable = (client: string, connector: string): boolean =>
  client !== 'symmetric' && (connector !== 'symmetric' || ['none', 'full', 'address'].includes(client));

describe.for(Object.keys(kinds))('a Client behind %s', (client) => {
  test.for(Object.keys(kinds))('and a Connector behind %s', (connector) => {
    for (let seed = 1; seed <= 40; seed++) {
      const met = meet(kinds[client]!, kinds[connector]!, seed);
      expect({ seed, direct: met.direct }).toEqual({ seed, direct: reachable(client, connector) });
    }
  });
});

test('two that reset what they do not know meet where there is some distance, and not by a flood', () => {
  const all = Array.from({ length: 200 }, (_, seed) =>
    meet(kinds['resetting']!, kinds['resetting']!, seed, 3),
  );
  expect(all.filter(({ direct }) => !direct)).toEqual([]);
  expect(Math.max(...all.map(({ packets }) => packets))).toBeLessThan(6 * punchTimes.attempts);
});

const target = (port: number): Candidate => ({ kind: 'host', address: '192.0.2.9', port });

test('a peer cannot have more than so many SYNs sent, whatever becomes of them', () => {
  const targets = Array.from({ length: 8 }, (_, i) => target(2_000 + i));
  const punch = new Punch(targets, 0);
  let sent = 0;
  for (let now = 0; now < 60_000; now++) {
    for (const one of punch.due(now).begin) {
      sent++;
      punch.refused(one, now, 0);
    }
  }
  expect(sent).toBe(punchTimes.attemptsInAll);
  expect(punch.isOver(60_000)).toBe(true);
});

test('a SYN without an answer is sent anew with ever more patience, and the end is kept', () => {
  const one = target(2_000);
  const punch = new Punch([one], 0);
  const begun: number[] = [];
  for (let now = 0; Number.isFinite(punch.wakeMs); now = punch.wakeMs) {
    if (punch.due(now).begin.length > 0) begun.push(now);
  }
  expect(begun).toEqual([0, 300, 900, 2_100, 4_500]);
});

test('who has no listener is deaf to resets at first, and again after having heard some', () => {
  const one = target(2_000);
  const punch = new Punch([one], 0, true);
  const deafAt: number[] = [];
  let heard = 0;
  for (let now = 0; now <= 2_000; now++) {
    const { begin } = punch.due(now);
    if (begin.length > 0 && punch.isDeaf(one)) deafAt.push(now);
    else if (begin.length > 0) {
      heard++;
      punch.refused(one, now, 0.5);
    }
  }
  expect(deafAt[0]).toBe(0);
  expect(deafAt.length).toBe(3);
  for (const [i, at] of deafAt.slice(1).entries())
    expect(at - deafAt[i]!).toBeGreaterThanOrEqual(punchTimes.deafMs + punchTimes.hearingMs);
  expect(heard).toBeGreaterThan(40);
  expect(new Punch([one], 0).isDeaf(one)).toBe(false);
});

test('a connection that breaks before its peer has proved itself is made anew', () => {
  const one = target(2_000);
  const punch = new Punch([one], 0);
  punch.due(0);
  punch.connected(one);
  expect(punch.due(5_000)).toEqual({ begin: [], giveUp: [] });
  punch.refused(one, 5_000, 0);
  expect(punch.due(punch.wakeMs).begin).toEqual([one]);
});

test('what is connected, taken or hopeless is not dialled again', () => {
  const [a, b] = [target(2_000), target(2_001)];
  const punch = new Punch([a, b], 0);
  expect(punch.due(0).begin).toEqual([a, b]);
  punch.connected(a);
  punch.taken(b, 5);
  expect(punch.due(5)).toEqual({ begin: [], giveUp: [] });
  expect(punch.due(5 + punchTimes.takenMs)).toEqual({ begin: [b], giveUp: [] });
  punch.drop(b);
  expect(punch.wakeMs).toBe(Number.POSITIVE_INFINITY);
  expect(punch.isOver(200)).toBe(false);
  punch.drop(a);
  expect(punch.isOver(200)).toBe(true);
});
