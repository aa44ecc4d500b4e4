/**
 * The most that goes into one TCP segment on loopback and on the TUN device, for either address family. A write
 * that is longer by a little ends in a tiny segment of its own, which costs the host, the device and the reader
 * as much as a full one. Used where flows are written to programs: `tunnel/gather.ts`, `client/splice.ts`.
 */

/** Their MTU, less the headers of IPv6 and TCP, less the timestamps that TCP adds (RFC 7323 §3.2). */
export const longestSegment = 65_535 - 40 - 20 - 12;
