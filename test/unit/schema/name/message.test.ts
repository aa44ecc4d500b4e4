/** Proves schema/name/{message,write-message,wire-name,record-data}.ts against an independent codec. */
import { type Answer, decode, encode, type Packet, RECURSION_DESIRED, TRUNCATED_RESPONSE } from 'dns-packet';
import { describe, expect, test } from 'vitest';
import {
  maxMessage,
  parseQuery,
  parseResponse,
  type Query,
  rcodes,
  recordTypes,
} from '#schema/name/message.ts';
import { targetName, withoutHints } from '#schema/name/record-data.ts';
import { readName, wireOfName } from '#schema/name/wire-name.ts';
import { udpLimit, writeFailure, writeQuery, writeResponse } from '#schema/name/write-message.ts';

const query = (packet: Packet): Query => {
  const read = parseQuery(encode({ type: 'query', ...packet }));
  if (!read.ok) throw new Error(`rcode ${read.rcode}`);
  return read.query;
};
const ask = (name: string, more: Packet = {}) =>
  query({ id: 7, flags: RECURSION_DESIRED, questions: [{ type: 'A', name }], ...more });
/** dns-packet writes DO out of `flags`, reads it into `flag_do`. */
const edns = (udpPayloadSize: number, dnssecOk = false): Answer => ({
  ...{ type: 'OPT', name: '.', udpPayloadSize, flags: dnssecOk ? 0x8000 : 0, flag_do: dnssecOk },
  ...{ extendedRcode: 0, ednsVersion: 0, options: [] },
});

describe('a query', () => {
  test('is read with what it says of itself', () => {
    expect(ask('DB.Internal', { additionals: [edns(4096, true)] })).toMatchObject({
      id: 7,
      opcode: 0,
      recursionDesired: true,
      checkingDisabled: false,
      question: { name: 'db.internal', type: recordTypes.A, class: 1 },
      edns: { udpPayload: 4096, version: 0, dnssecOk: true },
    });
  });

  test('keeps the spelling of its question for the answer', () => {
    const asked = ask('dB.INternal');
    const answer = decode(Buffer.from(writeResponse(asked, { rcode: rcodes.NOERROR })));
    expect(answer.questions).toMatchObject([{ name: 'dB.INternal', type: 'A' }]);
  });

  test('with none or two questions is refused', () => {
    const two = encode({
      type: 'query',
      id: 3,
      questions: [
        { type: 'A', name: 'a.b' },
        { type: 'A', name: 'c.d' },
      ],
    });
    expect(parseQuery(two)).toEqual({ ok: false, id: 3, rcode: rcodes.FORMERR });
    expect(parseQuery(encode({ type: 'query', id: 4 }))).toEqual({ ok: false, id: 4, rcode: rcodes.FORMERR });
  });

  test('that is a response, or too short for a header, is nobody’s to answer', () => {
    expect(parseQuery(encode({ type: 'response', id: 3, questions: [{ type: 'A', name: 'a.b' }] }))).toEqual({
      ok: false,
      rcode: rcodes.FORMERR,
    });
    expect(parseQuery(new Uint8Array(11))).toEqual({ ok: false, rcode: rcodes.FORMERR });
  });

  test('cut off anywhere is refused, never a crash', () => {
    const whole = encode({
      type: 'query',
      id: 9,
      questions: [{ type: 'A', name: 'some.name.internal' }],
      additionals: [edns(1232)],
    });
    for (let length = 0; length < whole.length; length++)
      expect(parseQuery(whole.subarray(0, length)).ok).toBe(false);
    expect(parseQuery(whole).ok).toBe(true);
  });

  test('is written as another codec reads it', () => {
    const bytes = writeQuery({
      id: 258,
      question: { name: 'a.b', type: 33, class: 1 },
      udpPayload: 1232,
      dnssecOk: true,
    });
    expect(decode(Buffer.from(bytes))).toMatchObject({
      id: 258,
      flag_rd: true,
      questions: [{ name: 'a.b', type: 'SRV' }],
      additionals: [{ type: 'OPT', udpPayloadSize: 1232, flag_do: true }],
    });
    expect(() => writeQuery({ id: 1, question: { name: 'a..b', type: 1, class: 1 } })).toThrow(RangeError);
  });
});

describe('a response', () => {
  const records: (Answer & { data: unknown })[] = [
    { type: 'MX', name: 'corp.internal', ttl: 60, data: { preference: 5, exchange: 'mail.corp.internal' } },
    {
      type: 'SRV',
      name: 'corp.internal',
      ttl: 60,
      data: { priority: 1, weight: 2, port: 53, target: 'ns.corp.internal' },
    },
    { type: 'CNAME', name: 'corp.internal', ttl: 60, data: 'other.corp.internal' },
    { type: 'TXT', name: 'corp.internal', ttl: 60, data: [Buffer.from('v=1')] },
  ];

  test('goes through with all its names spelt out', () => {
    const read = parseResponse(
      encode({
        type: 'response',
        id: 7,
        questions: [{ type: 'MX', name: 'corp.internal' }],
        answers: [...records],
      }),
    )!;
    expect(read.answers.map(({ name, type }) => [name, type])).toEqual([
      ['corp.internal', 15],
      ['corp.internal', 33],
      ['corp.internal', 5],
      ['corp.internal', 16],
    ]);
    expect(targetName(read.answers[2]!.data)).toBe('other.corp.internal');
    const again = decode(
      Buffer.from(writeResponse(ask('corp.internal'), { rcode: 0, answers: read.answers })),
    );
    expect(again.answers).toMatchObject(records.map(({ type, data }) => ({ type, data })));
  });

  test('spells out names that another server has compressed', () => {
    // MX 10 mail.<pointer to the question>
    const data = [0, 10, 4, ...Buffer.from('mail'), 0xc0, 12];
    const bytes = Buffer.concat([
      encode({ type: 'response', id: 7, questions: [{ type: 'MX', name: 'corp.internal' }] }),
      Buffer.from([0xc0, 12, 0, 15, 0, 1, 0, 0, 0, 60, 0, data.length, ...data]),
    ]);
    bytes.writeUInt16BE(1, 6);
    const read = parseResponse(bytes)!;
    expect(targetName(read.answers[0]!.data.subarray(2))).toBe('mail.corp.internal');
    const again = decode(
      Buffer.from(writeResponse(ask('corp.internal'), { rcode: 0, answers: read.answers })),
    );
    expect(again.answers).toMatchObject([
      { type: 'MX', data: { preference: 10, exchange: 'mail.corp.internal' } },
    ]);
  });

  test('truncated is only that', () => {
    const flags = TRUNCATED_RESPONSE;
    const bytes = encode({
      type: 'response',
      id: 7,
      flags,
      questions: [{ type: 'MX', name: 'corp.internal' }],
      answers: [...records],
    });
    expect(parseResponse(bytes.subarray(0, bytes.length - 3))).toMatchObject({
      truncated: true,
      answers: [],
    });
  });

  test('that is too long for the asker says so, and is whole by TCP', () => {
    const asked = ask('corp.internal');
    const answers = Array.from({ length: 40 }, (_, i) => ({
      ...{ name: 'corp.internal', type: 16, class: 1, ttl: 1 },
      data: Uint8Array.of(1, i),
    }));
    const answer = decode(Buffer.from(writeResponse(asked, { rcode: 0, answers }, udpLimit(asked))));
    expect([answer.flag_tc, answer.answers]).toEqual([true, []]);
    expect(decode(Buffer.from(writeResponse(asked, { rcode: 0, answers }, maxMessage))).answers).toHaveLength(
      40,
    );
  });

  test('tells a reason to those who speak EDNS, and to no others', () => {
    const because = { code: 18, text: 'no' };
    const told = decode(
      Buffer.from(writeResponse(ask('a.b', { additionals: [edns(1232)] }), { rcode: 3, because })),
    );
    expect(told).toMatchObject({
      rcode: 'NXDOMAIN',
      additionals: [{ type: 'OPT', options: [{ code: 15 }] }],
    });
    expect(decode(Buffer.from(writeResponse(ask('a.b'), { rcode: 3, because }))).additionals).toEqual([]);
  });

  test('to what could not be read is a header alone', () => {
    expect(decode(Buffer.from(writeFailure(513, rcodes.FORMERR)))).toMatchObject({
      id: 513,
      type: 'response',
      rcode: 'FORMERR',
    });
  });
});

describe('a name', () => {
  test('reads as it was written, odd bytes escaped', () => {
    for (const text of [
      '',
      'a',
      'db.internal',
      'my\\032printer._ipp._tcp.corp',
      'a\\046b.c',
      '\\000\\255.x',
    ]) {
      const wire = wireOfName(text)!;
      expect(readName(wire, 0)).toEqual({ text, end: wire.length });
    }
  });

  test('that is too long, has an empty label or a wrong escape is none', () => {
    const label = 'x'.repeat(63);
    expect(wireOfName(`${label}.${label}.${label}.${'x'.repeat(61)}`)).toHaveLength(255);
    for (const text of [
      `${label}x`,
      `${label}.${label}.${label}.${'x'.repeat(62)}`,
      'a..b',
      '.',
      'a.',
      '\\256',
      '\\1',
      'a b',
      'ü',
    ])
      expect([text, wireOfName(text)]).toEqual([text, undefined]);
  });

  test('whose pointers loop, lead forward or out of the message ends nowhere', () => {
    expect(readName(Uint8Array.of(0xc0, 0), 0)).toBeUndefined();
    expect(readName(Uint8Array.of(1, 97, 0xc0, 0), 0)).toBeUndefined();
    expect(readName(Uint8Array.of(0xc0, 2, 0), 0)).toBeUndefined();
    expect(readName(Uint8Array.of(0, 0xc0), 1)).toBeUndefined();
    expect(readName(Uint8Array.of(0x40, 0), 0)).toBeUndefined();
    expect(readName(Uint8Array.of(1, 97, 0, 1, 98, 0xc0, 0), 3)).toEqual({ text: 'b.a', end: 7 });
  });
});

describe('addresses that HTTPS records hint at', () => {
  const param = (key: number, ...value: number[]) => [0, key, 0, value.length, ...value];
  const target = [0, 1, 0];
  const alpn = param(1, 2, 104, 50);
  const port = param(3, 1, 187);

  test('are taken out, the rest stays', () => {
    const data = Uint8Array.from([
      ...target,
      ...alpn,
      ...port,
      ...param(4, 10, 0, 0, 1),
      ...param(6, ...new Uint8Array(16)),
    ]);
    expect([...withoutHints(data)!]).toEqual([...target, ...alpn, ...port]);
  });

  test('are no longer mandatory either', () => {
    const mandatory = param(0, 0, 3, 0, 4);
    const data = Uint8Array.from([...target, ...mandatory, ...port, ...param(4, 10, 0, 0, 1)]);
    expect([...withoutHints(data)!]).toEqual([...target, ...param(0, 0, 3), ...port]);
    expect([
      ...withoutHints(Uint8Array.from([...target, ...param(0, 0, 4), ...param(4, 1, 2, 3, 4)]))!,
    ]).toEqual(target);
  });

  test('make a broken record no record', () => {
    expect(withoutHints(Uint8Array.from([...target, 0, 4, 0, 9, 1]))).toBeUndefined();
    expect(withoutHints(Uint8Array.of(0))).toBeUndefined();
  });
});
