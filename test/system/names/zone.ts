/**
 * What the private network of `transparent-names.test.ts` knows besides addresses. The library has no HTTPS and
 * SVCB (RFC 9460): their data is written as bytes.
 */
import type { Answer } from 'dns-packet';

const host = 'web.corp.test';
const reverse = '10.0.66.10.in-addr.arpa';

/** So many strings of 99 characters, about 100 bytes each. */
export const textOf = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => String(i).padStart(99, '.'));

const bytes = (...parts: string[]): Buffer => Buffer.from(parts.join(''), 'hex');
// Priority and target, then the parameters: key, length, value.
const https = bytes('0001', '00', '00010003026832', '000400040a42000a');
const svcb = bytes('0001', '0377656204636f7270047465737400', '000300020355');
const raw = (name: string, type: string, data: Buffer) =>
  ({ name, type, ttl: 60, data }) as unknown as Answer;

const records: Answer[] = [
  { name: host, type: 'MX', ttl: 3_600, data: { preference: 5, exchange: 'mail.corp.test' } },
  { name: host, type: 'TXT', ttl: 3_600, data: ['hello', 'world'] },
  raw(host, 'UNKNOWN_65', https),
  raw(`_dns.${host}`, 'UNKNOWN_64', svcb),
  {
    name: `_web._tcp.${host}`,
    type: 'SRV',
    ttl: 60,
    data: { priority: 1, weight: 2, port: 80, target: host },
  },
  { name: 'one.apps.test', type: 'MX', ttl: 60, data: { preference: 10, exchange: host } },
  { name: 'other.apps.test', type: 'CNAME', ttl: 60, data: 'one.apps.test' },
  { name: reverse, type: 'PTR', ttl: 60, data: 'host-10.corp.test' },
  ...[7, 20, 60].map((count): Answer => ({ name: `t${count}.apps.test`, type: 'TXT', data: textOf(count) })),
];

/** By name, as `PrivateDns` keeps them. */
export const zone: ReadonlyMap<string, Answer[]> = Map.groupBy(records, ({ name }) => name);
