/** Proves node-agents/client/dns/{records,cleared}.ts: questions over flows, and what is left of the answers. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { createRecords, type DatagramWays } from '#node-agents/client/dns/records.ts';
import type { ErrorCode } from '#schema/errors.ts';
import { parseQuery, type Query, type ResourceRecord, rcodes, recordTypes } from '#schema/name/message.ts';
import { type ResponseDraft, writeQuery, writeResponse } from '#schema/name/write-message.ts';

const { A, MX, TXT, SOA, NS, HTTPS } = recordTypes;

/** Stands where `client/udp/associations.ts` does: answers every question as `reply` says. */
class Ways implements DatagramWays {
  readonly opened: Parameters<DatagramWays['open']>[0][] = [];
  readonly questions: Query[] = [];
  closed = 0;
  refusal: ErrorCode | undefined;
  full = false;
  reply: (query: Query) => ResponseDraft | Uint8Array | undefined = () => ({ rcode: 0, answers: [text] });

  open(request: Parameters<DatagramWays['open']>[0]): ReturnType<DatagramWays['open']> {
    if (this.refusal) return { ok: false, code: this.refusal };
    this.opened.push(request);
    const association = {
      send: (bytes: Uint8Array) => {
        const read = parseQuery(bytes);
        if (this.full || !read.ok) return false;
        this.questions.push(read.query);
        const reply = this.reply(read.query);
        const answer = reply instanceof Uint8Array || !reply ? reply : writeResponse(read.query, reply);
        if (answer) queueMicrotask(() => request.onDatagram(answer));
        return true;
      },
      close: () => void this.closed++,
    };
    return { ok: true, association };
  }
}

const record = (type: number, data: number[], more: Partial<ResourceRecord> = {}): ResourceRecord => ({
  ...{ name: 'db.internal', type, class: 1, ttl: 30, data: Uint8Array.from(data) },
  ...more,
});
const text = record(TXT, [2, 104, 105]);
const question = (name = 'db.internal', type: number = TXT): Query => {
  const read = parseQuery(
    writeQuery({ id: 1, question: { name, type, class: 1 }, udpPayload: 1232, dnssecOk: true }),
  );
  if (!read.ok) throw new Error('no query');
  return read.query;
};

let seed = 0;
const random = (length: number) => Uint8Array.from({ length }, () => (seed = (seed * 5 + 3) & 0xff));
const open: { close(): void }[] = [];
const start = (ways: Ways, limits = {}) => {
  const records = createRecords({ ways, random, limits });
  open.push(records);
  return records;
};
const ask = (
  records: ReturnType<typeof start>,
  host = 'db.internal',
  query = question(host),
  clientAddress = '192.0.2.1',
) => records.ask({ host, query, clientAddress });

afterEach(() => {
  for (const one of open.splice(0)) one.close();
  vi.useRealTimers();
});

describe('a question', () => {
  test('opens a flow for its name and asker, and the next one uses it', async () => {
    const ways = new Ways();
    const records = start(ways);
    expect(await ask(records)).toEqual({ rcode: 0, answers: [text], authority: [], addresses: false });
    await ask(records, 'db.internal', question('_x.db.internal'));
    expect(ways.opened.map(({ destination, clientAddress }) => ({ ...destination, clientAddress }))).toEqual([
      { protocol: 'dns', host: 'db.internal', clientAddress: '192.0.2.1' },
    ]);
    await ask(records, 'db.internal', question(), '192.0.2.2');
    await ask(records, 'other.internal');
    expect([ways.opened.length, records.size]).toEqual([3, 3]);
    expect(ways.questions[0]).toMatchObject({
      edns: { dnssecOk: true },
      question: { name: 'db.internal', type: TXT },
    });
  });

  test('is not answered by what answers another one, or nothing', async () => {
    const ways = new Ways();
    ways.reply = (query) => {
      const { onDatagram } = ways.opened[0]!;
      onDatagram(writeResponse({ ...query, id: query.id ^ 1 }, { rcode: 3 }));
      const other = question('x.internal');
      onDatagram(writeResponse({ ...other, id: query.id }, { rcode: 3 }));
      onDatagram(new Uint8Array(7));
      return { rcode: 0 };
    };
    expect(await ask(start(ways))).toMatchObject({ rcode: 0 });
  });

  test('without an answer fails after a while', async () => {
    vi.useFakeTimers();
    const ways = new Ways();
    ways.reply = () => undefined;
    const answer = ask(start(ways));
    await vi.advanceTimersByTimeAsync(4_500);
    expect(await answer).toMatchObject({ rcode: rcodes.SERVFAIL });
  });

  test('that is refused says why', async () => {
    const ways = new Ways();
    ways.refusal = 'not_a_resource';
    const records = start(ways);
    expect(await ask(records)).toMatchObject({ rcode: rcodes.SERVFAIL, because: { code: 18 } });
    expect(records.size).toBe(0);
    ways.refusal = undefined;
    ways.reply = () => undefined;
    const answer = ask(records);
    ways.opened[0]!.onEnd('no_connector');
    expect(await answer).toMatchObject({
      rcode: rcodes.SERVFAIL,
      because: { code: 22, text: expect.stringContaining('no_connector') },
    });
    expect(records.size).toBe(0);
  });

  test('finds no room beyond the bounds', async () => {
    const ways = new Ways();
    ways.reply = () => undefined;
    const records = start(ways, { flows: 1, waiting: 2 });
    void ask(records);
    void ask(records);
    for (const host of ['db.internal', 'other.internal'])
      expect(await ask(records, host)).toMatchObject({
        rcode: rcodes.SERVFAIL,
        because: { text: expect.stringContaining('limit_reached') },
      });
    expect(records.size).toBe(1);
  });
});

describe('a flow', () => {
  test('without questions makes room for another name, and ends after a while', async () => {
    vi.useFakeTimers();
    const ways = new Ways();
    const records = start(ways, { flows: 1 });
    await ask(records);
    await ask(records, 'other.internal');
    expect([ways.closed, records.size]).toEqual([1, 1]);
    await vi.advanceTimersByTimeAsync(15_000);
    expect([ways.closed, records.size]).toEqual([2, 0]);
    await ask(records);
    expect(ways.opened).toHaveLength(3);
  });
});

describe('of an answer', () => {
  const cleared = async (reply: ResponseDraft) => {
    const ways = new Ways();
    ways.reply = () => reply;
    return ask(start(ways));
  };

  test('addresses are left out, and hints to them; only the SOA stays beside the answers', async () => {
    const hint = [0, 4, 0, 4, 10, 0, 0, 1];
    const answers = [record(A, [10, 0, 0, 1]), record(HTTPS, [0, 1, 0, ...hint]), record(HTTPS, [0]), text];
    const soa = record(SOA, [0, 0, ...new Uint8Array(20)]);
    expect(await cleared({ rcode: 0, answers, authority: [record(NS, [0]), soa] })).toEqual({
      addresses: true,
      ...{ rcode: 0, answers: [record(HTTPS, [0, 1, 0]), text], authority: [soa] },
    });
  });

  test('nothing is kept for longer than a minute', async () => {
    const answers = [
      record(TXT, [0], { ttl: 86_400 }),
      record(TXT, [0], { ttl: 0xffffffff }),
      record(MX, [0, 1, 0], { ttl: 9 }),
    ];
    expect((await cleared({ rcode: 0, answers })).answers?.map(({ ttl }) => ttl)).toEqual([60, 0, 9]);
  });

  test('a refusal becomes a failure', async () => {
    expect(await cleared({ rcode: rcodes.REFUSED })).toEqual({ rcode: rcodes.SERVFAIL });
    expect(await cleared({ rcode: rcodes.NXDOMAIN })).toMatchObject({ rcode: rcodes.NXDOMAIN });
  });
});
