/**
 * Hands a SYN to the host as if it had come over the loopback interface. Written to the TUN device instead, it
 * would meet the host's INPUT rules, and a firewall that drops what is new (ufw, firewalld) would drop it; all
 * that follows belongs to a known connection, or goes out, and takes the device. Needs CAP_NET_RAW.
 */
import { SallyportError } from '#schema/errors.ts';
import type { Ip } from '#schema/name/ip.ts';
import { errno, wordsOf } from './errno.ts';
import { native } from './ffi.ts';
import type { Family } from './ip.ts';
import { sockaddr, socketFamily } from './sockaddr.ts';

export interface Injector {
  /**
   * @param packet an IP packet without virtio_net_hdr, its checksums whole (the kernel finishes none here),
   *   to an address of this host's.
   * @returns whether the kernel took it.
   */
  inject(packet: Uint8Array): boolean;
  close(): void;
}

/**
 * @returns nothing where it is not permitted: the SYN is then written to the device, and the host's firewall
 *   must accept it there.
 */
export declare function openInjector(): Injector | undefined;
void [SallyportError, errno, wordsOf, native, sockaddr, socketFamily] as unknown as [Ip, Family];
