/**
 * DNS messages as far as a resolver between two others needs them (RFC 1035 §4.1, EDNS RFC 6891): reads a
 * query and a response out of bytes that anybody may have made up. What is read is kept without compression,
 * so that a message is always written anew (`write-message.ts`) and no stranger's bytes are handed on as they
 * are. Names are text: lower case, without a final dot, odd bytes as `\DDD` (RFC 4343 §2.1), the root ''.
 */
import { plainData } from './record-data.ts';
import { readName } from './wire-name.ts';

/** Of those that something depends on. */
export const recordTypes = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  OPT: 41,
  SVCB: 64,
  HTTPS: 65,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
} as const;

/** RFC 6895 §2.3. */
export const rcodes = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  BADVERS: 16,
} as const;

export const internet = 1;

export interface Question {
  name: string;
  type: number;
  class: number;
}

export interface Edns {
  /** Bytes that the sender takes in one UDP datagram, at least 512. */
  udpPayload: number;
  version: number;
  dnssecOk: boolean;
}

export interface Query {
  id: number;
  /** 0 is an ordinary query; for the others `question` is whatever the first section says. */
  opcode: number;
  recursionDesired: boolean;
  checkingDisabled: boolean;
  question: Question;
  /** As it was written, upper case and all. */
  questionBytes: Uint8Array;
  edns?: Edns;
}

export interface ResourceRecord {
  name: string;
  type: number;
  class: number;
  /** Seconds. */
  ttl: number;
  /** Names in it are not compressed. */
  data: Uint8Array;
}

export interface Response {
  id: number;
  rcode: number;
  authoritative: boolean;
  truncated: boolean;
  question: Question;
  answers: ResourceRecord[];
  authority: ResourceRecord[];
}

export type QueryVerdict =
  | { ok: true; query: Query }
  /** `id`: whom to tell `rcode`; without it nothing may be answered. `question`: as far as it could be read. */
  | { ok: false; id?: number; rcode: number; question?: Question };

export const maxMessage = 65_535;
const headerBytes = 12;
/** RFC 6891 §6.2.3: less is read as this. */
export const leastUdpPayload = 512;

/** One question, no more (RFC 9619), and at most one OPT. */
export function parseQuery(bytes: Uint8Array): QueryVerdict {
  if (bytes.length < headerBytes || bytes.length > maxMessage || (bytes[2]! & 0x80) !== 0)
    return { ok: false, rcode: rcodes.FORMERR };
  const id = read16(bytes, 0);
  const question = readQuestion(bytes);
  if (!question) return { ok: false, id, rcode: rcodes.FORMERR };
  const broken = { ok: false, id, rcode: rcodes.FORMERR, question: question.question } as const;
  const records = readRecords(bytes, question.end, [6, 8, 10]);
  if (!records) return broken;
  const options = records[2]!.filter(({ type }) => type === recordTypes.OPT);
  if (options.length > 1) return broken;
  const edns = options[0] && ednsOf(options[0]);
  return {
    ok: true,
    query: {
      id,
      opcode: (bytes[2]! >> 3) & 0x0f,
      recursionDesired: (bytes[2]! & 1) !== 0,
      checkingDisabled: (bytes[3]! & 0x10) !== 0,
      question: question.question,
      questionBytes: bytes.slice(headerBytes, question.end),
      ...(edns && { edns }),
    },
  };
}

/** Undefined for what is no response, or a broken one. Additional records are read over. */
export function parseResponse(bytes: Uint8Array): Response | undefined {
  if (bytes.length < headerBytes || bytes.length > maxMessage || (bytes[2]! & 0x80) === 0) return undefined;
  const question = readQuestion(bytes);
  if (!question) return undefined;
  const truncated = (bytes[2]! & 0x02) !== 0;
  // What a truncated message still holds may end anywhere: it is asked for again anyway.
  const records = truncated ? [[], [], []] : readRecords(bytes, question.end, [6, 8, 10]);
  if (!records) return undefined;
  const [answers, authority, additional] = records as [ResourceRecord[], ResourceRecord[], ResourceRecord[]];
  const option = additional.find(({ type }) => type === recordTypes.OPT);
  return {
    id: read16(bytes, 0),
    rcode: (bytes[3]! & 0x0f) | (option ? (option.ttl >>> 24) << 4 : 0),
    authoritative: (bytes[2]! & 0x04) !== 0,
    truncated,
    question: question.question,
    answers,
    authority,
  };
}

export const sameQuestion = (a: Question, b: Question): boolean =>
  a.name === b.name && a.type === b.type && a.class === b.class;

function readQuestion(bytes: Uint8Array): { question: Question; end: number } | undefined {
  if (read16(bytes, 4) !== 1) return undefined;
  const name = readName(bytes, headerBytes);
  if (!name || name.end + 4 > bytes.length) return undefined;
  const question = { name: name.text, type: read16(bytes, name.end), class: read16(bytes, name.end + 2) };
  return { question, end: name.end + 4 };
}

/** @param counts where the header says how many records each section has. */
function readRecords(bytes: Uint8Array, from: number, counts: number[]): ResourceRecord[][] | undefined {
  const sections: ResourceRecord[][] = [];
  let at = from;
  for (const count of counts) {
    const section: ResourceRecord[] = [];
    for (let left = read16(bytes, count); left > 0; left--) {
      const name = readName(bytes, at);
      if (!name || name.end + 10 > bytes.length) return undefined;
      const start = name.end + 10;
      const end = start + read16(bytes, start - 2);
      if (end > bytes.length) return undefined;
      const type = read16(bytes, name.end);
      const data = plainData(bytes, type, start, end);
      if (!data) return undefined;
      const ttl = read32(bytes, name.end + 4);
      section.push({ name: name.text, type, class: read16(bytes, name.end + 2), ttl, data });
      at = end;
    }
    sections.push(section);
  }
  return sections;
}

/** RFC 6891 §6.1.3. */
const ednsOf = (option: ResourceRecord): Edns => ({
  udpPayload: Math.max(leastUdpPayload, option.class),
  version: (option.ttl >>> 16) & 0xff,
  dnssecOk: (option.ttl & 0x8000) !== 0,
});

const read16 = (bytes: Uint8Array, at: number): number => (bytes[at]! << 8) | bytes[at + 1]!;

const read32 = (bytes: Uint8Array, at: number): number =>
  (read16(bytes, at) * 65_536 + read16(bytes, at + 2)) >>> 0;
