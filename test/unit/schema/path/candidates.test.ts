/** Proves schema/path/candidates.ts: which candidates of a peer are tried, and which never are. */
import { expect, test } from 'vitest';
import {
  type Candidate,
  candidate,
  candidateLimits,
  candidates,
  familyOf,
  mappingOf,
  targetsOf,
} from '#schema/path/candidates.ts';

const both = new Set([4, 6] as const);
const at = (address: string, kind: Candidate['kind'] = 'host', port = 40_000): Candidate => ({
  kind,
  address,
  port,
});

test.for([
  ...['127.0.0.1', '::1', '0.0.0.0', '::', '169.254.169.254', '169.254.7.7', 'fe80::1', '224.0.0.1'],
  ...['255.255.255.255', '100.96.0.1', 'fd53:616c:6c79::1', '::ffff:127.0.0.1', '64:ff9b::7f00:1'],
  ...['db.internal', '', '10.0.0', '010.0.0.1'],
])('%s leads nowhere', (address) => {
  expect(familyOf(address)).toBeUndefined();
  expect(targetsOf([at(address)], both)).toEqual([]);
});

test('a peer’s own network comes first, version 6 before 4, each place once, and few', () => {
  const theirs = [at('192.0.2.1', 'reflexive'), at('10.0.0.5'), at('2001:db8::5'), at('10.0.0.5')];
  const ordered = targetsOf(theirs, both).map(({ address }) => address);
  expect(ordered).toEqual(['2001:db8::5', '10.0.0.5', '192.0.2.1']);
  expect(targetsOf(theirs, new Set([6] as const)).map(({ address }) => address)).toEqual(['2001:db8::5']);
  const many = Array.from({ length: 50 }, (_, i) => at(`10.0.0.${i}`));
  expect(targetsOf(many, both)).toHaveLength(candidateLimits.count);
});

test('a port below 1024, and more candidates than an offer may have, are no candidates', () => {
  expect(candidate.safeParse(at('10.0.0.5', 'host', 443)).success).toBe(false);
  expect(candidate.safeParse(at('10.0.0.5', 'host', 65_536)).success).toBe(false);
  expect(candidates.safeParse(Array.from({ length: 9 }, () => at('10.0.0.5'))).success).toBe(false);
});

test('what relays see tells the NAT: none, the same for all, or another for each', () => {
  const own = [at('10.0.0.5', 'host', 4_000)];
  const seen = (port: number) => at('192.0.2.1', 'reflexive', port);
  expect(mappingOf(own, [])).toBe('unknown');
  expect(mappingOf(own, [seen(1_024)])).toBe('unknown');
  expect(mappingOf(own, [at('10.0.0.5', 'reflexive', 4_000)])).toBe('none');
  expect(mappingOf(own, [seen(1_024), seen(1_024)])).toBe('stable');
  expect(mappingOf(own, [seen(1_024), seen(1_025)])).toBe('varies');
});
