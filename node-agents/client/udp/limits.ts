/**
 * What bounds UDP at a Client. A tunnel carries 4,096 flows (`maxStreams`): whatever programs do with UDP,
 * be it a port scan, leaves half of them to TCP.
 */
export const limits = {
  /** Associations at a time, in all and for one source address. Beyond them the longest unused one goes. */
  associations: 2_048,
  associationsPerSource: 1_024,
  /** Milliseconds without a datagram; two minutes is the least that RFC 4787 §4.3 allows. */
  idleMs: 120_000,
  /** The same for DNS, which asks from a fresh port each time (RFC 5452 §9.2). */
  idleOfDnsMs: 10_000,
  /** Bytes that wait for an association to open: of one, beyond its first datagram, and of all. */
  waitingBytes: 16 * 1024,
  waitingBytesInAll: 4 * 1024 * 1024,
  /** Milliseconds for which a refusal counts for whatever is sent the same way, and how many are kept. */
  refusedMs: 1_000,
  refusals: 1_024,
} as const;

export type Limits = { readonly [K in keyof typeof limits]: number };
