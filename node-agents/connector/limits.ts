/**
 * What bounds a Connector, in one place: nothing here waits for ever or grows without end. Numbers are per
 * process unless they say otherwise.
 */
export const limits = {
  /** Tunnels, including those whose handshake is not done. */
  tunnels: 4_000,
  /** Live flows and those being opened. */
  flows: 50_000,
  /** Of these, for one principal: half, so that no Service can take them all. */
  flowsPerPrincipal: 25_000,
  /** Of these, UDP and ICMP associations: each keeps a port of this host for as long as it is not idle. */
  associations: 16_000,
  associationsPerPrincipal: 8_000,
  /** Milliseconds without a datagram after which one ends: Clients, who choose within 5 minutes, come first. */
  associationIdleMs: 310_000,
  /**
   * Bytes from Clients that wait for their destinations, over all tunnels, and of these for one principal,
   * however many instances it has. Beyond them every flow keeps `initialCredit`, and no more.
   */
  receiveBytes: 256 * 1024 * 1024,
  receiveBytesPerPrincipal: 128 * 1024 * 1024,
  /** Milliseconds for TLS with a Client. */
  handshakeMs: 10_000,
  /** Offers of direct paths that are worked on at once, and milliseconds for TLS with whoever was dialled. */
  offers: 64,
  directHandshakeMs: 6_000,
  /** Probes that administrators ask for: at once, and how often. */
  probes: 4,
  probeRate: { burst: 20, perSecond: 1 },
  /** Milliseconds to look a name up. */
  resolveMs: 5_000,
  /**
   * Names that are looked up at once. By the system: of libuv's four threads two do such work, and the rest
   * must stay free for files and signatures; a Connector that needs more is told of its servers.
   */
  systemLookUps: { places: 2, perPrincipal: 1, waiting: 1_000, waitingPerPrincipal: 500 },
  lookUps: { places: 256, perPrincipal: 128, waiting: 2_000, waitingPerPrincipal: 1_000 },
  /** Questions for records of a name. */
  recordLookUps: { places: 128, perPrincipal: 64, waiting: 1_000, waitingPerPrincipal: 500 },
  /** Milliseconds for a destination to accept, over all its addresses. */
  connectMs: 10_000,
  /** Milliseconds after which the next address of a name is tried beside the first (RFC 8305 §5). */
  connectStaggerMs: 250,
  /** Addresses of one name that are tried. */
  addresses: 6,
  /** Milliseconds after which a flow has lasted, and its destination is probed while it is silent. */
  lastingMs: 15_000,
  /** Milliseconds without a byte after which a flow ends; and one that is closed in one direction. */
  idleMs: 24 * 3_600_000,
  halfClosedIdleMs: 30 * 60_000,
  /** Milliseconds in which a Client may bring a newer ACL before its flows end for want of one. */
  newAclMs: 600,
  /** Used connection tokens that are remembered: at most one per tunnel and minute. */
  usedTokens: 100_000,
  /** Relays that a link is kept to, where as many are listed; and the fewest that must be connected. */
  relays: 4,
  fewestRelays: 2,
  /** Milliseconds that live flows are given when the Connector is asked to end. */
  drainMs: 8_000,
  /** Milliseconds that events are then given to be acknowledged. */
  flushMs: 1_500,
  /** Segments of events kept on disk, of `batchLimit` events each; and in memory where there is no disk. */
  spoolSegments: 500,
  spoolSegmentsInMemory: 50,
} as const;
