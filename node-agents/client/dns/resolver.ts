/**
 * What this host's programs are answered when they ask for a name (design §8): protected names get synthetic
 * addresses, other records of theirs are asked at the Connector (`records.ts`), everything else goes to
 * whoever was asked, byte for byte, read or not. Queries come from `listen-udp.ts`, `listen-tcp.ts` or straight off the
 * device (`client/tun/`).
 */
import type { Log } from '#node-agents/process/log.ts';
import {
  internet,
  parseQuery,
  type Query,
  type Question,
  type ResourceRecord,
  rcodes,
  recordTypes,
} from '#schema/name/message.ts';
import { addressOfReverse } from '#schema/name/reverse.ts';
import { reservedSlots, type SyntheticNames, slotOf } from '#schema/name/synthetic.ts';
import { type ResponseDraft, udpLimit, writeFailure, writeResponse } from '#schema/name/write-message.ts';
import type { Acls } from '../acl.ts';
import { address, pointer, soa } from './answers.ts';
import { createExistence, type WhyNot } from './existence.ts';
import { type Protection, protectionOf } from './protection.ts';
import type { AskRecords } from './records.ts';

export type Transport = 'udp' | 'tcp';

/** Asks whoever the program asked, or would have. Rejects when nobody answers. */
export type Upstream = (query: Uint8Array, over: Transport) => Promise<Uint8Array>;

export interface AskedQuery {
  /** As it came, without the length in front of it by TCP. */
  bytes: Uint8Array;
  over: Transport;
  /** Of the program or device that asks. */
  clientAddress: string;
  upstream: Upstream;
}

export interface DnsResolver {
  /** The answer to send back; undefined when none is due. Never rejects. */
  answer(asked: AskedQuery): Promise<Uint8Array | undefined>;
  /** Whether it asks for a zone that is none of ours: the answer may be many messages (RFC 5936 §2.2). */
  isTransfer(bytes: Uint8Array): boolean;
}

export interface DnsResolverOptions {
  /** Until the first login: what was known before it. */
  acls(): Pick<Acls, 'find'>;
  nowMs(): number;
  names: SyntheticNames;
  /** Which kinds of addresses lead to the device; both by default. */
  families?: { v4: boolean; v6: boolean };
  /** Canonical names of the Controller and the relays. */
  exempt(): ReadonlySet<string>;
  records: AskRecords;
  log: Pick<Log, 'debug'>;
}

export function createDnsResolver(o: DnsResolverOptions): DnsResolver {
  const whyNot = createExistence(o);
  const isOurs = ({ name }: Question): boolean => isSynthetic(name) || protection(name, o).protected;
  const passOn = async ({ bytes, over, upstream }: AskedQuery, failed: () => Uint8Array) => {
    try {
      return await upstream(bytes, over);
    } catch (error) {
      o.log.debug('dns_upstream_failed', { error });
      return failed();
    }
  };
  return {
    async answer(asked) {
      const read = parseQuery(asked.bytes);
      if (!read.ok) {
        const { id, rcode, question } = read;
        if (id === undefined) return undefined;
        if (question === undefined || isOurs(question)) return writeFailure(id, rcode);
        return passOn(asked, () => writeFailure(id, rcodes.SERVFAIL));
      }
      const { query } = read;
      const limit = asked.over === 'udp' ? udpLimit(query) : undefined;
      const draft = await draftOf(query, asked, o, whyNot);
      if (draft !== undefined) return writeResponse(query, draft, limit);
      return passOn(asked, () =>
        writeResponse(query, { rcode: rcodes.SERVFAIL, because: noUpstream }, limit),
      );
    },
    isTransfer(bytes) {
      const read = parseQuery(bytes);
      const question = read.ok ? read.query.question : read.question;
      return question !== undefined && transfers.has(question.type) && !isOurs(question);
    },
  };
}

const transfers: ReadonlySet<number> = new Set([recordTypes.AXFR, recordTypes.IXFR]);

/** RFC 8914: 18 Prohibited, 22 No Reachable Authority, 23 Network Error. */
const grantOver = { code: 18, text: 'the grant has expired' };
const noUpstream = { code: 23, text: 'the resolver of this host did not answer' };

/** Undefined for what is none of our business. */
async function draftOf(
  query: Query,
  asked: AskedQuery,
  o: DnsResolverOptions,
  whyNot: WhyNot,
): Promise<ResponseDraft | undefined> {
  const { question } = query;
  const own = syntheticName(question, o);
  if (own) return own;
  const found = protection(question.name, o);
  if (!found.protected) return undefined;
  const refusal = refusalOf(query);
  if (refusal) return refusal;
  if (found.network === undefined)
    return { rcode: rcodes.NXDOMAIN, authority: [soa(question.name)], because: grantOver };
  if (found.about === 'name' && isAboutAddresses(question.type)) {
    const { network, literal } = found;
    const { clientAddress } = asked;
    const known = literal || o.names.has(question.name);
    const missing = known ? undefined : await whyNot(question.name, { network, query, clientAddress });
    return missing ?? addressesOf(question.name, question.type, o);
  }
  if (question.type === recordTypes.A || question.type === recordTypes.AAAA) return noData(question.name);
  return o.records({ host: found.host, query, clientAddress: asked.clientAddress });
}

/** What nobody may ask about a protected name. */
function refusalOf({ opcode, question, edns }: Query): ResponseDraft | undefined {
  if (opcode !== 0) return { rcode: rcodes.NOTIMP };
  if (question.class !== internet) return { rcode: rcodes.REFUSED };
  if (edns && edns.version > 0) return { rcode: rcodes.BADVERS };
  return undefined;
}

const isAboutAddresses = (type: number): boolean =>
  type === recordTypes.A || type === recordTypes.AAAA || type === recordTypes.ANY;

/** ANY is answered with what there is here (RFC 8482). */
function addressesOf(name: string, type: number, o: DnsResolverOptions): ResponseDraft {
  const any = type === recordTypes.ANY;
  const addresses = o.names.assign(name);
  if (!addresses) return { rcode: rcodes.SERVFAIL };
  const { v4 = true, v6 = true } = o.families ?? {};
  const answers: ResourceRecord[] = [
    ...(v4 && (any || type === recordTypes.A) ? [address(name, addresses.v4)] : []),
    ...(v6 && (any || type === recordTypes.AAAA) ? [address(name, addresses.v6)] : []),
  ];
  return answers.length === 0 ? noData(name) : { rcode: rcodes.NOERROR, answers };
}

/** The reverse name of a synthetic address leads to its name, as long as that is protected. */
function syntheticName({ name, type }: Question, o: DnsResolverOptions): ResponseDraft | undefined {
  if (!isSynthetic(name)) return undefined;
  const target = o.names.nameOf(addressOfReverse(name)!);
  const found = target === undefined ? undefined : protection(target, o);
  if (!found?.protected || found.network === undefined)
    return { rcode: rcodes.NXDOMAIN, authority: [soa(name)] };
  if (type !== recordTypes.PTR && type !== recordTypes.ANY) return noData(name);
  return { rcode: rcodes.NOERROR, answers: [pointer(name, target!)] };
}

/** A reverse name in the ranges out of which names are answered: nobody else knows anything of it. */
function isSynthetic(name: string): boolean {
  const ip = addressOfReverse(name);
  return ip !== undefined && (slotOf(ip) ?? 0) >= reservedSlots;
}

const protection = (name: string, { acls, exempt, nowMs }: DnsResolverOptions): Protection =>
  protectionOf(name, { acls: acls(), exempt: exempt(), nowMs: nowMs() });

const noData = (name: string): ResponseDraft => ({ rcode: rcodes.NOERROR, authority: [soa(name)] });
