/**
 * What this host's programs are answered when they ask for a name (design §8): protected names get synthetic
 * addresses, other records of theirs are asked at the Connector (`records.ts`), everything else goes to
 * whoever was asked, byte for byte. Queries come from `listen-udp.ts`, `listen-tcp.ts` or straight off the
 * device (`client/tun/`).
 */
import type { Log } from '#node-agents/process/log.ts';
import {
  internet,
  parseQuery,
  type Query,
  type ResourceRecord,
  rcodes,
  recordTypes,
} from '#schema/name/message.ts';
import { addressOfReverse } from '#schema/name/reverse.ts';
import type { SyntheticNames } from '#schema/name/synthetic.ts';
import { type ResponseDraft, udpLimit, writeFailure, writeResponse } from '#schema/name/write-message.ts';
import type { Acls } from '../acl.ts';
import { address, pointer, soa } from './answers.ts';
import { protectionOf } from './protection.ts';
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
}

export interface DnsResolverOptions {
  acls(): Acls | undefined;
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
  return {
    async answer(asked) {
      const read = parseQuery(asked.bytes);
      if (!read.ok) return read.id === undefined ? undefined : writeFailure(read.id, read.rcode);
      const { query } = read;
      const limit = asked.over === 'udp' ? udpLimit(query) : undefined;
      const draft = await draftOf(query, asked, o);
      if (draft !== undefined) return writeResponse(query, draft, limit);
      try {
        return await asked.upstream(asked.bytes, asked.over);
      } catch (error) {
        o.log.debug('dns_upstream_failed', { error });
        return writeResponse(query, { rcode: rcodes.SERVFAIL, because: noUpstream }, limit);
      }
    },
  };
}

/** RFC 8914: 18 Prohibited, 22 No Reachable Authority, 23 Network Error. */
const grantOver = { code: 18, text: 'the grant has expired' };
const noUpstream = { code: 23, text: 'the resolver of this host did not answer' };

/** Undefined for what is none of our business. */
async function draftOf(
  query: Query,
  asked: AskedQuery,
  o: DnsResolverOptions,
): Promise<ResponseDraft | undefined> {
  const { question } = query;
  const own = syntheticName(question.name, o);
  if (own) return own;
  const found = protectionOf(question.name, { acls: o.acls(), exempt: o.exempt(), nowMs: o.nowMs() });
  if (!found.protected) return undefined;
  const refusal = refusalOf(query);
  if (refusal) return refusal;
  if (found.network === undefined)
    return { rcode: rcodes.NXDOMAIN, authority: [soa(question.name)], because: grantOver };
  if (found.about === 'name') {
    const addresses = addressesOf(question.name, question.type, o);
    if (addresses) return addresses;
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

/** Undefined for types that are asked at the Connector. ANY is answered with what there is here (RFC 8482). */
function addressesOf(name: string, type: number, o: DnsResolverOptions): ResponseDraft | undefined {
  const any = type === recordTypes.ANY;
  if (!any && type !== recordTypes.A && type !== recordTypes.AAAA) return undefined;
  const addresses = o.names.assign(name);
  if (!addresses) return { rcode: rcodes.SERVFAIL };
  const { v4 = true, v6 = true } = o.families ?? {};
  const answers: ResourceRecord[] = [
    ...(v4 && (any || type === recordTypes.A) ? [address(name, addresses.v4)] : []),
    ...(v6 && (any || type === recordTypes.AAAA) ? [address(name, addresses.v6)] : []),
  ];
  return answers.length === 0 ? noData(name) : { rcode: rcodes.NOERROR, answers };
}

/** The reverse name of a synthetic address leads to its name. */
function syntheticName(name: string, { names }: DnsResolverOptions): ResponseDraft | undefined {
  const ip = addressOfReverse(name);
  const target = ip && names.nameOf(ip);
  return target === undefined ? undefined : { rcode: rcodes.NOERROR, answers: [pointer(name, target)] };
}

const noData = (name: string): ResponseDraft => ({ rcode: rcodes.NOERROR, authority: [soa(name)] });
