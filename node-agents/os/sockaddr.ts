/** `struct sockaddr_in` and `sockaddr_in6` of Linux (ip(7), ipv6(7)), for the calls that Node has no API for. */
import type { Ip } from '#schema/name/ip.ts';

export const AF_INET = 2;
export const AF_INET6 = 10;

export const socketFamily = (family: 4 | 6): number => (family === 4 ? AF_INET : AF_INET6);

export function sockaddr({ family, bytes }: Ip, port: number): Buffer<ArrayBuffer> {
  const address = Buffer.alloc(family === 4 ? 16 : 28);
  // The family is in the host's order, which is little-endian wherever Node's `ffi` runs; the port is not.
  address.writeUInt16LE(socketFamily(family), 0);
  address.writeUInt16BE(port, 2);
  address.set(bytes, family === 4 ? 4 : 8);
  return address;
}
