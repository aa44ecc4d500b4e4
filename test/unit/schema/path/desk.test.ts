/** Proves schema/path/desk.ts and rate/bucket.ts: how many offers pass, and whose answers. */
import { expect, test } from 'vitest';
import { OfferDesk, offerLimits } from '#schema/path/desk.ts';
import { Buckets } from '#schema/rate/bucket.ts';

const who = { connector: 'con_a', instance: 'ins_a' };

test('an answer goes once, in time, and only from the Connector that was asked', () => {
  const desk = new OfferDesk();
  expect(desk.pass('one', who, 0)).toEqual({ ok: true });
  expect(desk.answered('one', 'con_b', 1)).toBeUndefined();
  expect(desk.answered('two', 'con_a', 1)).toBeUndefined();
  expect(desk.answered('one', 'con_a', 1)).toBe('ins_a');
  expect(desk.answered('one', 'con_a', 1)).toBeUndefined();
  desk.pass('late', who, 10);
  expect(desk.answered('late', 'con_a', 11 + offerLimits.lifeMs)).toBeUndefined();
});

test('an offer that is under way already is not sent twice', () => {
  const desk = new OfferDesk();
  desk.pass('one', who, 0);
  expect(desk.pass('one', { ...who, instance: 'ins_b' }, 1)).toMatchObject({ code: 'token_replayed' });
  expect(desk.answered('one', 'con_a', 2)).toBe('ins_a');
});

test('a Client that offers in a loop is stopped, and others are not', () => {
  const desk = new OfferDesk();
  const passed = Array.from({ length: 1_000 }, () => desk.mayOffer('ins_a', 0)).filter(({ ok }) => ok);
  expect(passed).toHaveLength(offerLimits.ofClient.burst);
  expect(desk.mayOffer('ins_a', 2_000)).toEqual({ ok: true });
  expect(desk.mayOffer('ins_b', 0)).toEqual({ ok: true });
});

test('no Connector is sent more than its share, and no object keeps more than its bound', () => {
  const desk = new OfferDesk();
  const to = (connector: string, i: number) => desk.pass(`${connector} ${i}`, { ...who, connector }, 0);
  const passed = Array.from({ length: 1_000 }, (_, i) => to('con_a', i)).filter(({ ok }) => ok);
  expect(passed).toHaveLength(offerLimits.toConnector.burst);
  const all = Array.from({ length: 5_000 }, (_, i) => to(`con_${i}`, i)).filter(({ ok }) => ok);
  expect(all).toHaveLength(offerLimits.waiting - passed.length);
  expect(desk.pass('later', { ...who, connector: 'con_z' }, offerLimits.lifeMs + 1)).toEqual({ ok: true });
});

test('a bucket fills with time, no higher than its burst; full ones make room', () => {
  const buckets = new Buckets({ burst: 2, perSecond: 1 }, 1);
  expect([buckets.take('a', 0), buckets.take('a', 0), buckets.take('a', 0)]).toEqual([true, true, false]);
  expect(buckets.take('b', 0)).toBe(false);
  expect([buckets.take('a', 1_000), buckets.take('a', 1_000)]).toEqual([true, false]);
  expect(buckets.take('b', 60_000)).toBe(true);
});
