/** Proves node-agents/client/udp/{association,associations}.ts on lines in the test's hands. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Associations, type AssociationsOptions } from '#node-agents/client/udp/associations.ts';
import type { ErrorCode } from '#schema/errors.ts';
import { lineOf } from './lines.ts';

let associations: Associations;
let lines: ReturnType<typeof lineOf>;
let received: string[];
let ends: (ErrorCode | undefined)[];
let cuts: string[];

beforeEach(() => {
  vi.useFakeTimers();
  make();
});
afterEach(() => {
  associations.close();
  vi.useRealTimers();
});

function make(limits: AssociationsOptions['limits'] = {}): void {
  lines = lineOf('will');
  received = [];
  ends = [];
  cuts = [];
  associations = new Associations({
    open: lines.open,
    onCut: ({ destination, code }) => cuts.push(`${destination.host} ${code}`),
    now: () => performance.now(),
    limits,
  });
}

function attempt(host: string, clientAddress = '192.0.2.1', port = 9) {
  return associations.open({
    destination: { protocol: 'udp', host, port },
    clientAddress,
    onDatagram: (bytes) => received.push(Buffer.from(bytes).toString()),
    onEnd: (code) => ends.push(code),
  });
}

function associate(host = 'a.int', clientAddress?: string, port?: number) {
  const opened = attempt(host, clientAddress, port);
  if (!opened.ok) throw new Error(opened.code);
  return opened.association;
}

const settled = () => vi.advanceTimersByTimeAsync(0);
const bytes = (text: string) => Buffer.from(text);

test('the first datagram goes with the request, those that follow wait in order for the answer', async () => {
  const association = associate();
  for (const text of ['one', 'two', 'three']) expect(association.send(bytes(text))).toBe(true);
  await settled();
  const [asked] = lines.asked;
  expect(asked!.request).toMatchObject({
    destination: { host: 'a.int', port: 9 },
    clientAddress: '192.0.2.1',
  });
  asked!.accept();
  await settled();
  expect(asked!.line.sent).toEqual(['one', 'two', 'three']);
  association.send(bytes('four'));
  expect(asked!.line.sent.at(-1)).toBe('four');
  asked!.line.take!(bytes('answer'));
  expect(received).toEqual(['answer']);
  expect(associations.counts).toMatchObject({ associations: 1, datagrams_up: 4, datagrams_down: 1 });
});

test('nothing is lost when the first datagram comes after the request, or is too long to go with it', async () => {
  const late = associate();
  await settled();
  lines.asked[0]!.request.early?.();
  late.send(bytes('late'));
  const long = associate('b.int');
  long.send(bytes('x'.repeat(2_000)));
  await settled();
  for (const { accept } of lines.asked) accept();
  await settled();
  expect(lines.asked.map(({ line }) => line.sent)).toEqual([['late'], ['x'.repeat(2_000)]]);
});

test('what waits for an answer is bounded, for one association and for all', async () => {
  make({ waitingBytes: 100, waitingBytesInAll: 150 });
  const one = associate();
  const other = associate('b.int');
  const fill = (association: typeof one) =>
    Array.from({ length: 10 }, () => association.send(bytes('x'.repeat(20)))).filter((sent) => sent).length;
  // One goes with the request, five wait.
  expect(fill(one)).toBe(6);
  expect(fill(other)).toBe(3);
  expect(associations.counts.datagrams_dropped).toBe(11);
  one.close();
  expect(fill(other)).toBe(3);
});

test('a refusal ends it with the code and counts for the same way a moment longer', async () => {
  associate().send(bytes('x'));
  await settled();
  lines.asked[0]!.refuse('port_denied');
  await settled();
  expect([ends, cuts]).toEqual([['port_denied'], []]);
  expect(attempt('a.int')).toMatchObject({ ok: false, code: 'port_denied' });
  expect(attempt('a.int', '192.0.2.2').ok).toBe(true);
  expect(attempt('a.int', '192.0.2.1', 10).ok).toBe(true);
  await vi.advanceTimersByTimeAsync(1_001);
  expect(attempt('a.int').ok).toBe(true);
});

test('remembered refusals are bounded', async () => {
  make({ refusals: 3 });
  for (let i = 0; i < 10; i++) {
    associate(`h${i}.int`);
    await settled();
    lines.asked[i]!.refuse('port_denied');
    await settled();
  }
  expect([attempt('h9.int').ok, attempt('h7.int').ok, attempt('h6.int').ok]).toEqual([false, false, true]);
});

test('the end of its line is its end: why is told, idleness and closing have no reason', async () => {
  for (const code of ['revoked', 'connection_refused', 'cancelled'] as const) {
    associate(`${code}.int`);
    await settled();
    lines.asked.at(-1)!.accept();
    await settled();
    lines.asked.at(-1)!.line.reset(code);
  }
  expect(ends).toEqual(['revoked', 'connection_refused', undefined]);
  expect(cuts).toEqual(['revoked.int revoked', 'connection_refused.int connection_refused']);
  expect(associations.size).toBe(0);
  // What was cut after it had opened may be tried again at once.
  expect(attempt('revoked.int').ok).toBe(true);
});

test('closing before the answer takes the request back, and gives up a line that comes all the same', async () => {
  const association = associate();
  await settled();
  const [asked] = lines.asked;
  association.close();
  expect(asked!.request.signal.aborted).toBe(true);
  asked!.accept();
  await settled();
  expect(asked!.line.code).toBe('cancelled');
  expect(association.send(bytes('x'))).toBe(false);
  expect(ends).toEqual([undefined]);
});

test('ends without use after its time, that of DNS sooner; any datagram in either direction is use', async () => {
  make({ idleMs: 60_000, idleOfDnsMs: 5_000 });
  const kept = associate('kept.int');
  associate('heard.int');
  associate('idle.int');
  associate('dns.int', undefined, 53);
  await settled();
  for (const { accept } of lines.asked) accept();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(associations.size).toBe(3);
  for (let second = 0; second < 120; second += 30) {
    kept.send(bytes('x'));
    lines.asked[1]!.line.take!(bytes('x'));
    await vi.advanceTimersByTimeAsync(30_000);
  }
  expect(associations.size).toBe(2);
  expect(lines.asked[2]!.line.code).toBe('cancelled');
  await vi.advanceTimersByTimeAsync(62_000);
  expect(associations.size).toBe(0);
});

test('a source at its limit loses its own unused ones, nobody else’s', async () => {
  make({ associations: 100, associationsPerSource: 3 });
  associate('other.int', '192.0.2.9');
  const used = associate('0.int');
  for (let i = 1; i < 3; i++) associate(`${i}.int`);
  await vi.advanceTimersByTimeAsync(1_001);
  used.send(bytes('x'));
  associate('3.int');
  await settled();
  expect(associations.size).toBe(4);
  expect(used.ended).toBe(false);
  expect(associations.counts.evicted).toBe(1);
  // Also when all were in use: the newest is let in, one of the older goes.
  for (let i = 4; i < 200; i++) associate(`${i}.int`);
  expect(associations.size).toBe(4);
});

test('at the limit of all the source with the most makes room', async () => {
  make({ associations: 5, associationsPerSource: 4 });
  for (let i = 0; i < 4; i++) associate(`${i}.int`, '192.0.2.1');
  const small = associate('s.int', '192.0.2.2');
  const newcomer = associate('n.int', '192.0.2.3');
  expect([small.ended, newcomer.ended, associations.size]).toEqual([false, false, 5]);
});

test('nothing is opened after the end', async () => {
  associate();
  associations.close();
  expect(ends).toEqual([undefined]);
  expect(attempt('a.int').ok).toBe(false);
  await settled();
  expect(lines.asked).toEqual([]);
});
