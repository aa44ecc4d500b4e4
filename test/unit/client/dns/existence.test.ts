/** Proves node-agents/client/dns/existence.ts: what is asked before a name below a wildcard gets an address. */
import { beforeEach, expect, test } from 'vitest';
import type { Cleared } from '#node-agents/client/dns/cleared.ts';
import { createExistence, type WhoAsks, type WhyNot } from '#node-agents/client/dns/existence.ts';
import type { RecordsRequest } from '#node-agents/client/dns/records.ts';
import { type Query, rcodes, recordTypes } from '#schema/name/message.ts';

const { NOERROR, NXDOMAIN, SERVFAIL } = rcodes;
const who = (network = 'net_a'): WhoAsks => ({
  ...{ network, clientAddress: '192.0.2.1' },
  query: { question: { name: 'a.corp', type: recordTypes.AAAA, class: 1 } } as Query,
});
let asked: (RecordsRequest & { answer(rcode: number, addresses?: boolean): void })[];
let nowMs: number;
let whyNot: WhyNot;

beforeEach(() => {
  asked = [];
  nowMs = 0;
  whyNot = createExistence({
    nowMs: () => nowMs,
    limits: { atOnce: 2, waiting: 1, missing: 2 },
    records: (request) =>
      new Promise<Cleared>((done) => {
        asked.push({
          ...request,
          answer: (rcode, addresses) => done({ rcode, ...(addresses !== undefined && { addresses }) }),
        });
      }),
  });
});
const missing = async (name: string) => {
  const found = whyNot(name, who());
  asked.at(-1)!.answer(NXDOMAIN);
  return found;
};

test('one question finds out for all who ask at the same time, whatever they ask', async () => {
  const all = [whyNot('a.corp', who()), whyNot('a.corp', who())];
  expect(asked).toMatchObject([
    { host: 'a.corp', clientAddress: '192.0.2.1', query: { question: { name: 'a.corp', type: 1 } } },
  ]);
  asked[0]!.answer(NOERROR);
  expect(await Promise.all(all)).toEqual([undefined, undefined]);
});

test('what is not there is known for a moment, in that network', async () => {
  expect(await missing('a.corp')).toMatchObject({ rcode: NXDOMAIN, authority: [{ ttl: 5 }] });
  expect(await whyNot('a.corp', who())).toMatchObject({ rcode: NXDOMAIN });
  expect(asked).toHaveLength(1);
  void whyNot('a.corp', who('net_b'));
  expect(asked).toHaveLength(2);
  nowMs += 5_000;
  const again = whyNot('a.corp', who());
  asked.at(-1)!.answer(NOERROR);
  expect(await again).toBeUndefined();
});

test('a name without an address has none here either; one of IPv6 alone is enough', async () => {
  const without = whyNot('mail.corp', who());
  asked[0]!.answer(NOERROR, false);
  await expect.poll(() => asked.length).toBe(2);
  expect(asked[1]!.query.question.type).toBe(recordTypes.AAAA);
  asked[1]!.answer(NOERROR, false);
  expect(await without).toMatchObject({ rcode: NOERROR, authority: [{ ttl: 5 }] });
  expect(await whyNot('mail.corp', who())).toMatchObject({ rcode: NOERROR });
  const six = whyNot('six.corp', who());
  asked[2]!.answer(NOERROR, false);
  await expect.poll(() => asked.length).toBe(4);
  asked[3]!.answer(NOERROR, true);
  expect(await six).toBeUndefined();
});

test('what nobody can say is told as it is, and asked again', async () => {
  const found = whyNot('a.corp', who());
  asked[0]!.answer(SERVFAIL);
  expect(await found).toEqual({ rcode: SERVFAIL });
  void whyNot('a.corp', who());
  expect(asked).toHaveLength(2);
});

test('many names take turns; what finds no place is told so', async () => {
  const first = whyNot('a.corp', who());
  void whyNot('b.corp', who());
  const third = whyNot('c.corp', who());
  expect(asked.map(({ host }) => host)).toEqual(['a.corp', 'b.corp']);
  expect(await whyNot('d.corp', who())).toEqual({ rcode: SERVFAIL });
  asked[0]!.answer(NOERROR);
  await first;
  expect(asked.at(-1)!.host).toBe('c.corp');
  asked[2]!.answer(NOERROR);
  expect(await third).toBeUndefined();
});

test('only so many missing names are kept', async () => {
  for (const name of ['a.corp', 'b.corp', 'c.corp']) await missing(name);
  void whyNot('c.corp', who());
  expect(asked).toHaveLength(3);
  void whyNot('a.corp', who());
  expect(asked).toHaveLength(4);
});
