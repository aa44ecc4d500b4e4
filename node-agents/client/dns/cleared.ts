/**
 * What of a Connector's answer programs are given: addresses of the Remote Network are left out, since they
 * lead nowhere from here, and nothing is kept in caches for long, since access can be withdrawn at any time.
 */
import { type ResourceRecord, type Response, rcodes, recordTypes } from '#schema/name/message.ts';
import { withoutHints } from '#schema/name/record-data.ts';
import type { ResponseDraft } from '#schema/name/write-message.ts';

/** Seconds. */
const longestTtl = 60;
const passed: ReadonlySet<number> = new Set([
  rcodes.NOERROR,
  rcodes.NXDOMAIN,
  rcodes.NOTIMP,
  rcodes.SERVFAIL,
]);

export interface Cleared extends ResponseDraft {
  /** Whether there were addresses among what is left out. */
  addresses?: boolean;
}

export function cleared({ rcode, answers, authority }: Response): Cleared {
  // REFUSED and the like would only send programs to their next resolver, which is us again.
  if (!passed.has(rcode)) return { rcode: rcodes.SERVFAIL };
  return {
    rcode,
    answers: answers.flatMap(clearedRecord),
    addresses: answers.some(isAddress),
    authority: authority.filter(({ type }) => type === recordTypes.SOA).flatMap(clearedRecord),
  };
}

const isAddress = ({ type }: ResourceRecord): boolean => type === recordTypes.A || type === recordTypes.AAAA;

function clearedRecord(record: ResourceRecord): ResourceRecord[] {
  if (isAddress(record)) return [];
  const service = record.type === recordTypes.SVCB || record.type === recordTypes.HTTPS;
  const data = service ? withoutHints(record.data) : record.data;
  if (data === undefined) return [];
  // The highest bit set is read as zero (RFC 2181 §8).
  const ttl = record.ttl > 0x7fffffff ? 0 : Math.min(record.ttl, longestTtl);
  return [{ ...record, ttl, data }];
}
