/**
 * ICMP echo without privileges: a datagram socket of protocol ICMP (`net.ipv4.ping_group_range`), connected to
 * one address. The kernel sets the identifier and the checksum and gives back only the answers to this
 * socket's own requests; identifiers of whoever asks are the caller's to translate.
 */
import type { ErrorCode, Verdict } from '#schema/errors.ts';
import type { Ip } from '#schema/name/ip.ts';

export interface PingSocket {
  /**
   * @param sequence 0–65,535.
   * @param payload at most 65,507 − 8 bytes.
   * @returns whether the kernel took it; full buffers lose it, as ICMP may.
   */
  send(sequence: number, payload: Uint8Array): boolean;
  close(): void;
}

export interface PingHandlers {
  /** @param payload a copy of its own. */
  onReply(sequence: number, payload: Buffer): void;
  /** An ICMP error for one of the requests; the socket stays usable. */
  onError(code: ErrorCode): void;
}

/** Refuses `icmp_unavailable` where this group may not, `host_unreachable`/`network_unreachable` without a route. */
export declare function openPingSocket(address: Ip, handlers: PingHandlers): Verdict<{ socket: PingSocket }>;
