/** Proves node-agents/connector/{spool,report}.ts: no event is lost on the way, none is kept without bound. */
import { appendFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createReport } from '#node-agents/connector/report.ts';
import { Spool } from '#node-agents/connector/spool.ts';
import { createLog } from '#node-agents/process/log.ts';
import type { FromAgent } from '#schema/control/messages.ts';
import type { FlowEvent } from '#schema/event/event.ts';
import { until } from './place.ts';

const log = createLog({ level: 'error', write: () => {} });
const event = (n: number): FlowEvent => ({
  id: `evt_${n}`,
  at: n,
  kind: 'closed',
  connection: `cnx_${n}`,
  protocol: 'tcp',
  host: 'db.internal',
  path: 'relay',
  bytes_up: 0,
  bytes_down: 0,
  duration_ms: 0,
});
const events = (from: number, count: number) => Array.from({ length: count }, (_, i) => event(from + i));
const ids = async (spool: Spool, most = 100) =>
  (await spool.take(new Set(), most)).flatMap((batch) => batch.events.map(({ id }) => id));

let folder: string;
let directory: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-spool-'));
  directory = join(folder, 'events');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('what was not acknowledged is there after a restart, in order and with its ids', async () => {
  const first = await Spool.open({ directory, segments: 10, segmentsInMemory: 3, log });
  first.add(events(1, 250));
  const [batch] = await first.take(new Set(), 1);
  first.remove(batch!.batch);
  await first.written();
  const second = await Spool.open({ directory, segments: 10, segmentsInMemory: 3, log });
  second.add(events(251, 1));
  expect(await ids(second)).toEqual(events(201, 51).map(({ id }) => id));
});

test('a line that was torn by a kill costs that line alone', async () => {
  const first = await Spool.open({ directory, segments: 10, segmentsInMemory: 3, log });
  first.add(events(1, 2));
  await first.written();
  appendFileSync(join(directory, readdirSync(directory)[0]!), '{"id":"evt_3","at');
  expect(await ids(await Spool.open({ directory, segments: 10, segmentsInMemory: 3, log }))).toEqual([
    'evt_1',
    'evt_2',
  ]);
});

test('few events at a time share a segment; it is full or sent before the next begins', async () => {
  const spool = await Spool.open({ directory, segments: 10, segmentsInMemory: 3, log });
  for (const one of events(1, 50)) spool.add([one]);
  const [batch, ...more] = await spool.take(new Set(), 10);
  expect([batch!.events.length, more]).toEqual([50, []]);
  spool.add(events(51, 1));
  expect(batch!.events.length).toBe(51);
  spool.seal(batch!.batch);
  spool.add(events(52, 1));
  await spool.written();
  expect(readdirSync(directory).length).toBe(2);
});

test('the oldest go when it is full, and their number is told', async () => {
  for (const where of [directory, undefined]) {
    const spool = await Spool.open({ directory: where, segments: 3, segmentsInMemory: 3, log });
    spool.add(events(1, 1_000));
    await spool.written();
    expect([spool.dropped, spool.size]).toEqual([400, 600]);
    expect((await ids(spool))[0]).toBe('evt_401');
  }
  expect(readdirSync(directory).length).toBe(3);
});

test('events are read back from disk when there are too many for memory', async () => {
  const spool = await Spool.open({ directory, segments: 100, segmentsInMemory: 3, log });
  spool.add(events(1, 10_000));
  expect(await ids(spool)).toEqual(events(1, 10_000).map(({ id }) => id));
});

test('a late acknowledgement is not taken for a later batch', async () => {
  const spool = await Spool.open({ directory: undefined, segments: 10, segmentsInMemory: 3, log });
  spool.add(events(1, 1));
  const [first] = await spool.take(new Set(), 1);
  spool.remove(first!.batch);
  spool.add(events(2, 1));
  spool.remove(first!.batch);
  expect(await ids(spool)).toEqual(['evt_2']);
});

test('a long outage fills segments one by one, however few events come at a time', async () => {
  const spool = await Spool.open({ directory, segments: 10, segmentsInMemory: 3, log });
  const report = createReport({
    spool,
    send: () => false,
    now: () => performance.now(),
    random: (length) => crypto.getRandomValues(new Uint8Array(length)),
    gatherMs: 0,
  });
  const { id: _, at: __, ...rest } = event(1);
  for (let i = 1; i <= 20; i++) {
    report.add(rest);
    await until(() => spool.size === i);
  }
  await spool.written();
  expect(readdirSync(directory).length).toBe(1);
});

test('a disk that fails costs no more memory than none', async () => {
  const spool = await Spool.open({ directory, segments: 100, segmentsInMemory: 3, log });
  rmSync(directory, { recursive: true });
  spool.add(events(1, 200));
  await spool.written();
  spool.add(events(201, 1_800));
  await spool.written();
  expect([spool.size, (await ids(spool)).length]).toEqual([600, 600]);
});

test('a report sends in batches, sends anew after a loss with the same ids, and forgets what is stored', async () => {
  const spool = await Spool.open({ directory: undefined, segments: 10, segmentsInMemory: 10, log });
  const sent: Extract<FromAgent, { type: 'events' }>[] = [];
  let linked = false;
  const report = createReport({
    spool,
    send: (message) => linked && message.type === 'events' && sent.push(message) > 0,
    now: () => performance.now(),
    random: (length) => crypto.getRandomValues(new Uint8Array(length)),
    gatherMs: 1,
  });
  const { id: _, at: __, ...rest } = event(1);
  for (let i = 0; i < 450; i++) report.add(rest);
  await until(() => spool.size === 450);
  expect(sent).toEqual([]);
  linked = true;
  report.resume();
  await until(() => sent.length === 3);
  const first = sent.flatMap((message) => message.events.map(({ id }) => id));
  expect(new Set(first).size).toBe(450);
  report.resume();
  await until(() => sent.length === 6);
  expect(sent.slice(3).flatMap((message) => message.events.map(({ id }) => id))).toEqual(first);
  for (const { batch } of sent.slice(3)) report.stored(batch);
  expect(report.waiting).toBe(0);
});

test('a flood of denials leaves the spool to the other events, and its number is told', async () => {
  const spool = await Spool.open({ directory: undefined, segments: 10, segmentsInMemory: 2, log });
  const report = createReport({
    spool,
    send: () => false,
    now: () => performance.now(),
    random: (length) => crypto.getRandomValues(new Uint8Array(length)),
    rates: { instance: { burst: 5, perSecond: 0 }, principal: { burst: 5, perSecond: 0 } },
  });
  const { id: _, at: __, ...rest } = event(1);
  report.add({ ...rest, kind: 'closed' });
  for (let i = 0; i < 10_000; i++) report.add({ ...rest, kind: 'denied', instance: 'ins_rogue' });
  await report.finish(0);
  const batches = await spool.take(new Set(), 10);
  const kept = batches.flatMap(({ events: all }) =>
    all.map(({ kind, suppressed }) => ({ kind, suppressed })),
  );
  const denied = { kind: 'denied', suppressed: undefined };
  expect(kept).toEqual([
    { kind: 'closed', suppressed: undefined },
    ...Array.from({ length: 5 }, () => denied),
    { kind: 'denied', suppressed: 9_994 },
  ]);
  expect(spool.dropped).toBe(0);
});
