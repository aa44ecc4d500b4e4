/**
 * A flow that asks for records of its host (`schema/tunnel/frames.ts`): each datagram is one question, checked
 * to be about the host that the ACLs have admitted, asked in the Remote Network (`record-resolver.ts`), and
 * answered by a message written anew. Stands where `datagrams.ts` stands for UDP.
 */
import type { ErrorCode } from '#schema/errors.ts';
import { parseIp } from '#schema/name/ip.ts';
import type { Response } from '#schema/name/message.ts';
import {
  internet,
  maxMessage,
  parseQuery,
  type Query,
  type ResourceRecord,
  rcodes,
  recordTypes,
} from '#schema/name/message.ts';
import { reverseName } from '#schema/name/reverse.ts';
import { type ResponseDraft, writeFailure, writeResponse } from '#schema/name/write-message.ts';
import type { Flow } from '../link/tunnel/flow.ts';
import type { Joined } from './forward.ts';
import type { RecordQuestion } from './record-resolver.ts';

export interface RecordsAbout {
  /** What the Client was admitted to: a canonical name or address. */
  host: string;
  /** What the host stands for: itself, or the Resource's address where it is an alias. */
  target: string;
  resolver: { ask(question: RecordQuestion): Promise<Response | undefined> };
}

/** Milliseconds without a question. */
const idleMs = 60_000;
/** Questions of one flow under way; what comes beyond is lost, as datagrams may be. */
const mostUnderWay = 32;

export function answerRecords(flow: Flow, about: RecordsAbout): Joined {
  const idle = setTimeout(() => flow.destroy(), idleMs);
  let underWay = 0;
  let plain = true;
  const onQuestion = async (bytes: Uint8Array): Promise<void> => {
    idle.refresh();
    if (underWay >= mostUnderWay) return;
    underWay++;
    const answer = await answerTo(bytes, about);
    underWay--;
    if (answer && !flow.destroyed) flow.sendDatagram(answer);
  };
  flow.on('datagram', (bytes: Uint8Array) => void onQuestion(bytes));
  flow.on('end', () => flow.end());
  flow.resume();
  const done = new Promise<ErrorCode | undefined>((resolve) => {
    flow.once('close', () => {
      clearTimeout(idle);
      resolve(plain && flow.code === 'cancelled' ? undefined : flow.code);
    });
  });
  return {
    done,
    cut(code) {
      plain = false;
      flow.reset(code);
    },
    get bytesUp() {
      return flow.bytesUp;
    },
    get bytesDown() {
      return flow.bytesDown;
    },
    halfClosed: false,
  };
}

/** Undefined for what is no question: there is nobody to answer. */
async function answerTo(bytes: Uint8Array, about: RecordsAbout): Promise<Uint8Array | undefined> {
  const read = parseQuery(bytes);
  if (!read.ok) return read.id === undefined ? undefined : writeFailure(read.id, read.rcode);
  return writeResponse(read.query, await draftOf(read.query, about), maxMessage);
}

async function draftOf(query: Query, { host, target, resolver }: RecordsAbout): Promise<ResponseDraft> {
  const { question, opcode, edns, checkingDisabled } = query;
  if (opcode !== 0 || isMeta(question.type)) return { rcode: rcodes.NOTIMP };
  if (question.class !== internet) return { rcode: rcodes.REFUSED };
  const asked = standsFor(question.name, host, target);
  if (asked === undefined) return { rcode: rcodes.REFUSED };
  // An alias of an address: there are no records of it but addresses.
  if (asked === '') return { rcode: rcodes.NOERROR };
  const response = await resolver.ask({
    ...question,
    name: asked,
    dnssecOk: edns?.dnssecOk ?? false,
    checkingDisabled,
  });
  if (!response) return { rcode: rcodes.SERVFAIL };
  const named = (record: ResourceRecord): ResourceRecord =>
    record.name === asked ? { ...record, name: question.name } : record;
  return {
    rcode: response.rcode,
    answers: response.answers.map(named),
    authority: response.authority.filter(({ type }) => type === recordTypes.SOA).map(named),
  };
}

/** Transfers and other questions that are not about one type of records (RFC 6895 §3.1). */
const isMeta = (type: number): boolean => type === recordTypes.OPT || (type >= 128 && type <= 255);

/** @returns what to ask for in place of `name`: undefined when it is not about the host, '' for nothing. */
function standsFor(name: string, host: string, target: string): string | undefined {
  const address = parseIp(host);
  if (address) return name === reverseName(address) ? name : undefined;
  if (name !== host && !(name.endsWith(`.${host}`) && isService(name.slice(0, -host.length - 1))))
    return undefined;
  if (parseIp(target)) return '';
  return `${name.slice(0, name.length - host.length)}${target}`;
}

/** Underscored labels alone (RFC 8552). */
const isService = (labels: string): boolean => /^_[^.]*(\._[^.]*)*$/.test(labels);
