/** How many sockets a relay bears that have not yet shown a credential. */
import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { Callers } from '#node-agents/relay/callers.ts';

let port = 1;
const from = (remoteAddress: string): Socket =>
  Object.assign(new EventEmitter(), { remoteAddress, remotePort: port++ }) as unknown as Socket;

test('an address is bounded, others are not kept out by it', () => {
  const callers = new Callers({ unknownPerAddress: 2 });
  expect([from('10.0.0.1'), from('10.0.0.1'), from('10.0.0.1')].map((one) => callers.arrive(one))).toEqual([
    true,
    true,
    false,
  ]);
  expect(callers.arrive(from('10.0.0.2'))).toBe(true);
});

test('an IPv6 network counts as one, an IPv4 address in IPv6 as itself', () => {
  const callers = new Callers({ unknownPerAddress: 1 });
  expect(callers.arrive(from('2001:db8:1:2::1'))).toBe(true);
  expect(callers.arrive(from('2001:db8:1:2::ffff'))).toBe(false);
  expect(callers.arrive(from('2001:db8:1:3::1'))).toBe(true);
  expect(callers.arrive(from('::ffff:10.0.0.1'))).toBe(true);
  expect(callers.arrive(from('::ffff:10.0.0.2'))).toBe(true);
});

test('a place becomes free when somebody is vouched for or goes, once', () => {
  const callers = new Callers({ unknownPerAddress: 1, unknown: 1 });
  const first = from('10.0.0.1');
  expect(callers.arrive(first)).toBe(true);
  expect(callers.arrive(from('10.0.0.9'))).toBe(false);
  callers.vouch(first);
  const second = from('10.0.0.1');
  expect(callers.arrive(second)).toBe(true);
  first.emit('close');
  expect(callers.unknown).toBe(1);
  second.emit('close');
  second.emit('close');
  expect(callers.unknown).toBe(0);
});
