/**
 * Writes DNS messages: a query to ask a resolver with, and the response to a query that was read by
 * `message.ts`. Only the name that was asked for is compressed; a response that finds no room says so (TC).
 */
import { maxMessage, type Query, type Question, type ResourceRecord, recordTypes } from './message.ts';
import { wireOfName } from './wire-name.ts';

export interface QueryDraft {
  id: number;
  question: Question;
  /** Bytes that we take by UDP; none = no EDNS. */
  udpPayload?: number;
  dnssecOk?: boolean;
  checkingDisabled?: boolean;
}

export interface ResponseDraft {
  rcode: number;
  answers?: readonly ResourceRecord[];
  authority?: readonly ResourceRecord[];
  /** An Extended DNS Error (RFC 8914), told to those who speak EDNS. */
  because?: { code: number; text: string };
}

/** What we say that we take in one UDP datagram: fits every path (DNS flag day 2020). */
export const ourUdpPayload = 1232;
const headerBytes = 12;
const optionBytes = 11;
const text = new TextEncoder();

/** @throws RangeError when the question's name is none. */
export function writeQuery({ id, question, udpPayload, dnssecOk, checkingDisabled }: QueryDraft): Uint8Array {
  const name = wireOfName(question.name);
  if (!name) throw new RangeError('not a name');
  const edns = udpPayload !== undefined;
  const into = new Uint8Array(headerBytes + name.length + 4 + (edns ? optionBytes : 0));
  write16(into, 0, id);
  into[2] = 0x01; // recursion desired
  into[3] = checkingDisabled ? 0x10 : 0;
  write16(into, 4, 1);
  into.set(name, headerBytes);
  write16(into, headerBytes + name.length, question.type);
  const end = write16(into, headerBytes + name.length + 2, question.class);
  if (edns) {
    write16(into, 10, 1);
    writeOption(into, end, { udpPayload, flags: dnssecOk ? 0x8000 : 0, extended: 0, data: nothing });
  }
  return into;
}

/** @param limit bytes that the asker takes; what is longer is sent empty, with TC (RFC 2181 §9). */
export function writeResponse(query: Query, draft: ResponseDraft, limit = maxMessage): Uint8Array {
  const whole = write(query, draft, Math.min(limit, maxMessage));
  return whole ?? write(query, { rcode: draft.rcode }, maxMessage, true)!;
}

/** To a query that could not be read. */
export function writeFailure(id: number, rcode: number): Uint8Array {
  const into = new Uint8Array(headerBytes);
  write16(into, 0, id);
  into[2] = 0x80;
  into[3] = 0x80 | (rcode & 0x0f);
  return into;
}

/** The query's way back allows this many bytes: what it says itself, within what fits every path. */
export const udpLimit = ({ edns }: Query): number => Math.min(edns?.udpPayload ?? 512, ourUdpPayload);

function write(query: Query, draft: ResponseDraft, limit: number, truncated = false): Uint8Array | undefined {
  const { answers = [], authority = [] } = draft;
  const reason = query.edns && draft.because ? extendedError(draft.because) : nothing;
  const records = [...answers, ...authority].map((record) => ({ record, owner: ownerOf(record, query) }));
  const length =
    headerBytes +
    query.questionBytes.length +
    records.reduce((sum, { record, owner }) => sum + owner.length + 10 + record.data.length, 0) +
    (query.edns ? optionBytes + reason.length : 0);
  if (length > limit) return undefined;
  const into = new Uint8Array(length);
  write16(into, 0, query.id);
  into[2] = 0x80 | (query.opcode << 3) | (truncated ? 0x02 : 0) | (query.recursionDesired ? 0x01 : 0);
  into[3] = 0x80 | (query.checkingDisabled ? 0x10 : 0) | (draft.rcode & 0x0f);
  write16(into, 4, 1);
  write16(into, 6, answers.length);
  write16(into, 8, authority.length);
  write16(into, 10, query.edns ? 1 : 0);
  into.set(query.questionBytes, headerBytes);
  let at = headerBytes + query.questionBytes.length;
  for (const { record, owner } of records) {
    into.set(owner, at);
    at = write16(into, at + owner.length, record.type);
    at = write16(into, at, record.class);
    at = write32(into, at, record.ttl);
    at = write16(into, at, record.data.length);
    into.set(record.data, at);
    at += record.data.length;
  }
  if (query.edns) {
    const flags = query.edns.dnssecOk ? 0x8000 : 0;
    writeOption(into, at, { udpPayload: ourUdpPayload, flags, extended: draft.rcode >> 4, data: reason });
  }
  return into;
}

const nothing = new Uint8Array(0);
/** To the question, which is always at the same place. */
const pointer = Uint8Array.of(0xc0, headerBytes);

const ownerOf = ({ name }: ResourceRecord, { question }: Query): Uint8Array =>
  name === question.name && name !== '' ? pointer : (wireOfName(name) ?? Uint8Array.of(0));

function extendedError({ code, text: words }: { code: number; text: string }): Uint8Array {
  const said = text.encode(words);
  const into = new Uint8Array(6 + said.length);
  write16(into, 0, 15);
  write16(into, 2, 2 + said.length);
  write16(into, 4, code);
  into.set(said, 6);
  return into;
}

function writeOption(
  into: Uint8Array,
  at: number,
  o: { udpPayload: number; flags: number; extended: number; data: Uint8Array },
): void {
  into[at] = 0;
  write16(into, at + 1, recordTypes.OPT);
  write16(into, at + 3, o.udpPayload);
  into[at + 5] = o.extended;
  into[at + 6] = 0; // version
  write16(into, at + 7, o.flags);
  write16(into, at + 9, o.data.length);
  into.set(o.data, at + 11);
}

function write16(into: Uint8Array, at: number, value: number): number {
  into[at] = value >>> 8;
  into[at + 1] = value;
  return at + 2;
}

const write32 = (into: Uint8Array, at: number, value: number): number =>
  write16(into, write16(into, at, value >>> 16), value);
