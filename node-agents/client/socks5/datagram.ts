/**
 * The header in front of each datagram of a UDP ASSOCIATE (RFC 1928 §7), read in place: two zero bytes,
 * fragment number, address type, address, port, then the data. `associate.ts` uses it.
 */
import { addressOf } from './messages.ts';

export interface DatagramHeader {
  /** Of the header: what follows is data. */
  length: number;
  host: string;
  port: number;
}

/** @returns 0 when there is none, or when it is a fragment: those are refused, as the RFC allows. */
export function headerLength(bytes: Uint8Array): number {
  if (bytes.length < 5 || bytes[2] !== 0) return 0;
  const type = bytes[3];
  const address = type === 1 ? 4 : type === 4 ? 16 : type === 3 ? 1 + bytes[4]! : undefined;
  if (address === undefined || bytes.length < 4 + address + 2) return 0;
  return 4 + address + 2;
}

/** @param length as `headerLength` says. */
export function readHeader(bytes: Buffer, length: number): DatagramHeader {
  const address = bytes.subarray(4, length - 2);
  const host = bytes[3] === 3 ? address.toString('utf8', 1) : addressOf(address);
  return { length, host, port: bytes.readUInt16BE(length - 2) };
}
