/**
 * DNS messages: no bytes whatever make the reader throw or run away, what it has read is written so that it
 * and another codec read the same again, and an answer never is longer than the asker takes.
 */
import { deepStrictEqual, ok } from 'node:assert/strict';
import { decode } from 'dns-packet';
import {
  leastUdpPayload,
  maxMessage,
  parseQuery,
  parseResponse,
  type Query,
  type ResourceRecord,
  recordTypes,
} from '#schema/name/message.ts';
import { plainData, withoutHints } from '#schema/name/record-data.ts';
import { addressOfReverse, reverseName } from '#schema/name/reverse.ts';
import { readName, wireOfName } from '#schema/name/wire-name.ts';
import { udpLimit, writeQuery, writeResponse } from '#schema/name/write-message.ts';
import type { SeededRandom } from './random.ts';
import type { Target } from './target.ts';

const types = [...Object.values(recordTypes), 3, 17, 18, 26, 35, 39, 257, 65_280];

export const dnsMessage: Target = {
  name: 'name/message',
  run(random) {
    const name = anyName(random);
    deepStrictEqual(readName(wireOfName(name)!, 0)?.text, name);
    const question = { name, type: random.pick(types), class: 1 };
    const asked = writeQuery({
      ...{ id: random.int(65_536), question, dnssecOk: random.chance(0.5) },
      ...(random.chance(0.5) && { udpPayload: random.int(65_536) }),
    });
    const read = parseQuery(asked);
    ok(read.ok, 'our own query is refused');
    deepStrictEqual(read.query.question, question);
    answer(random, read.query);

    const broken = broke(random, asked);
    const again = parseQuery(broken);
    if (again.ok) answer(random, again.query);
    anyBytes(random);
  },
};

/** A response is read as it was written, here and elsewhere, and however it is broken nothing throws. */
function answer(random: SeededRandom, query: Query): void {
  const draft = {
    rcode: random.int(6),
    answers: anyRecords(random, query),
    authority: anyRecords(random, query),
  };
  const limit = random.chance(0.5) ? udpLimit(query) : maxMessage;
  ok(limit >= leastUdpPayload);
  const bytes = writeResponse(query, draft, limit);
  ok(bytes.length <= limit, `${bytes.length} bytes for ${limit}`);
  const read = parseResponse(bytes);
  ok(read, 'our own response is refused');
  deepStrictEqual([read.id, read.rcode, read.question], [query.id, draft.rcode, query.question]);
  if (!read.truncated) {
    ok(!parseResponse(bytes.subarray(0, random.int(bytes.length))), 'a part is taken for the whole');
    deepStrictEqual(read.answers, draft.answers);
    deepStrictEqual(read.authority, draft.authority);
  }
  ok(decode(Buffer.from(writeResponse(query, { rcode: 0 }))).questions?.length === 1);
  const other = parseResponse(broke(random, bytes));
  if (other) writeResponse(query, other);
}

const anyRecords = (random: SeededRandom, { question }: Query): ResourceRecord[] =>
  Array.from({ length: random.int(6) }, () => {
    const type = random.pick(types.filter((one) => one !== recordTypes.OPT));
    const raw = Uint8Array.from([
      ...random.bytes(random.int(8)),
      ...wireOfName(anyName(random))!,
      ...random.bytes(random.int(40)),
    ]);
    // Data that its own type allows.
    const data = plainData(raw, type, 0, raw.length) ?? new Uint8Array(0);
    const fits = plainData(data, type, 0, data.length) !== undefined;
    return {
      name: random.chance(0.6) ? question.name : anyName(random),
      type: fits ? type : recordTypes.TXT,
      ...{ class: 1, ttl: random.int(2 ** 32), data },
    };
  });

function anyBytes(random: SeededRandom): void {
  const bytes = random.bytes(random.int(200));
  // Mostly pointers and short labels: what a reader of names stumbles over.
  for (let i = 12; i < bytes.length; i++) {
    if (random.chance(0.3)) bytes[i] = random.chance(0.5) ? 0xc0 : random.int(4);
  }
  parseQuery(bytes);
  parseResponse(bytes);
  for (let at = 0; at < bytes.length; at++) {
    const name = readName(bytes, at);
    if (name) ok(name.text.length <= 4 * 255 && name.end > at && name.end <= bytes.length);
  }
  const wire = wireOfName(anyName(random))!;
  ok(!plainData(wire, recordTypes.CNAME, 0, random.int(wire.length)), 'a name reaches out of its record');
  const keys = Array.from({ length: random.int(6) }, () => random.int(8)).sort();
  const parameters = keys.flatMap((key) => {
    const value = random.bytes(2 * random.int(4));
    return [0, key, 0, value.length, ...value];
  });
  const left = withoutHints(Uint8Array.from([0, 1, ...wire, ...parameters]))!;
  ok(!keysOf(left.subarray(2 + wire.length)).some((key) => key === 4 || key === 6), 'a hint stays');
  const bare = withoutHints(bytes);
  if (bare) deepStrictEqual(withoutHints(bare), bare);
  const ip = random.chance(0.5)
    ? { family: 4 as const, bytes: random.bytes(4) }
    : { family: 6 as const, bytes: random.bytes(16) };
  deepStrictEqual(addressOfReverse(reverseName(ip)), ip);
}

function keysOf(parameters: Uint8Array): number[] {
  const keys: number[] = [];
  for (let at = 0; at < parameters.length; at += 4 + parameters[at + 3]!) keys.push(parameters[at + 1]!);
  return keys;
}

function broke(random: SeededRandom, bytes: Uint8Array): Uint8Array {
  const broken = bytes.slice(0, random.chance(0.3) ? random.int(bytes.length + 1) : bytes.length);
  for (let flips = random.int(6); flips > 0 && broken.length > 0; flips--) {
    broken[random.int(broken.length)]! ^= 1 << random.int(8);
  }
  return broken;
}

/** With odd bytes now and then. */
function anyName(random: SeededRandom): string {
  const labels = Array.from({ length: random.int(5) }, () =>
    Array.from({ length: 1 + random.int(12) }, () =>
      random.chance(0.95)
        ? random.pick([...'abcdefgz0189-_'])
        : `\\${String(random.pick([0, 32, 46, 92, 127, 200, 255])).padStart(3, '0')}`,
    ).join(''),
  );
  return labels.join('.');
}
