/**
 * Hands a SYN to the host as if it had come over the loopback interface. Written to the TUN device instead, it
 * would meet the host's INPUT rules, and a firewall that drops what is new (ufw, firewalld) would drop it; all
 * that follows belongs to a known connection, or goes out, and takes the device. Needs CAP_NET_RAW.
 */
import type { Ip } from '#schema/name/ip.ts';
import { native } from './ffi.ts';
import type { Family } from './ip.ts';
import { sockaddr, socketFamily } from './sockaddr.ts';

export interface Injector {
  /**
   * @param packet an IP packet without virtio_net_hdr, its checksums whole (the kernel finishes none here),
   *   to an address of this host's; at least its IP header must be there.
   * @returns whether the kernel took it.
   */
  inject(packet: Uint8Array): boolean;
  close(): void;
}

/**
 * @returns nothing where it is not permitted: the SYN is then written to the device, and the host's firewall
 *   must accept it there.
 */
export function openInjector(): Injector | undefined {
  const os = native();
  const v4 = openRaw(4);
  if (v4 < 0) return undefined;
  const v6 = openRaw(6); // below zero in a kernel without IPv6
  let open = true;
  return {
    inject(packet) {
      const family: Family = packet[0]! >> 4 === 4 ? 4 : 6;
      const fd = family === 4 ? v4 : v6;
      if (!open || fd < 0) return false;
      const address = sockaddr(destinationOf(packet, family), 0);
      return os.sendto(fd, packet, BigInt(packet.length), 0, address, address.length) === packet.length;
    },
    close() {
      if (!open) return;
      open = false;
      os.close(v4);
      if (v6 >= 0) os.close(v6);
    },
  };
}

const SOCK_RAW = 3;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
/** The packet brings its own IP header, and nothing is ever received (raw(7)). */
const IPPROTO_RAW = 255;

const openRaw = (family: Family): number =>
  native().socket(socketFamily(family), SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_RAW);

const destinationOf = (packet: Uint8Array, family: Family): Ip => ({
  family,
  bytes: family === 4 ? packet.subarray(16, 20) : packet.subarray(24, 40),
});
