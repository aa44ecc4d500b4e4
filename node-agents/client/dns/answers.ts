/**
 * The records that this Client makes itself: addresses and reverse names of protected names, and the SOA
 * that says how long to keep "there is none" (RFC 2308 §5). Their lives are short, because a name that is
 * withdrawn must not live on in caches.
 */
import type { Ip } from '#schema/name/ip.ts';
import { internet, type ResourceRecord, recordTypes } from '#schema/name/message.ts';
import { wireOfName } from '#schema/name/wire-name.ts';

/** Seconds. */
export const syntheticTtl = 10;
export const negativeTtl = 5;

export const address = (name: string, ip: Ip): ResourceRecord =>
  record(name, ip.family === 4 ? recordTypes.A : recordTypes.AAAA, syntheticTtl, ip.bytes);

export const pointer = (name: string, target: string): ResourceRecord =>
  record(name, recordTypes.PTR, syntheticTtl, wireOfName(target)!);

/** For an answer that has nothing else. */
export function soa(name: string): ResourceRecord {
  const who = wireOfName('sallyport.invalid')!;
  const data = new Uint8Array(2 * who.length + 20);
  data.set(who);
  data.set(who, who.length);
  // serial, refresh, retry, expire, minimum
  new DataView(data.buffer, 2 * who.length).setUint32(0, 1);
  new DataView(data.buffer, 2 * who.length).setUint32(16, negativeTtl);
  return record(name, recordTypes.SOA, negativeTtl, data);
}

const record = (name: string, type: number, ttl: number, data: Uint8Array): ResourceRecord => ({
  name,
  type,
  class: internet,
  ttl,
  data,
});
