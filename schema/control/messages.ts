/**
 * The control channel: JSON text messages over one WebSocket between each agent and the Controller's
 * Durable Object, subprotocol `sallyport-control.1`. Who the agent is was settled before the upgrade by its
 * access token and proof; these messages only say what changed. Keep-alive is the text `ping`, answered
 * `pong` by the edge without waking anything, so an idle agent costs nothing.
 *
 *   agent → Controller   hello, ack, relays, events, receipt, renew, offer, answer, probed
 *   Controller → agent   welcome, connector_acl, client_acl, revoke, relay_list, registration, events_stored,
 *                        restarting, refused, offer, answer, probe
 *
 * A direct path begins with an `offer` of a Client, which the Controller passes on to the one Connector that it
 * names, if that Client may meet it; the Connector's `answer` goes back the same way, and both then try
 * (`schema/path`). Neither learns more of the other than its candidates.
 *
 * A `probe` asks a Connector to try a destination for an administrator who wants to know why something fails. It is
 * judged by the Connector's own ACL like a flow, so that it leads nowhere that a Client could not be led to.
 *
 * Capability history (one number, raised when a peer must know whether the other side understands):
 *   1  everything below, but for
 *   2  offer and answer;
 *   3  probe and probed.
 */
import { z } from 'zod';
import { batchLimit, flowEvent } from '#schema/event/event.ts';
import { candidates } from '#schema/path/candidates.ts';
import { maxWeight } from '#schema/path/spread.ts';

export const controlProtocol = 'sallyport-control.1';
export const capability = 3;
/** Agents below this are told `version_unsupported`. */
export const minimumCapability = 1;

/** Seconds between two `ping`s of an agent, and silence after which it reconnects. */
export const pingInterval = 20;
export const pongTimeout = 10;

/** A message longer than this closes the channel, in bytes of UTF-8. */
export const messageLimit = 1024 * 1024;

/** A relay as agents see it. `carriers` in order of preference. */
export const relayEntry = z.object({
  id: z.string(),
  /** Base URL; `/relay/v1/…` is below it. */
  url: z.string(),
  carriers: z.array(z.enum(['raw', 'websocket'])).min(1),
});

/**
 * A Connector as Clients see it: its hash, where to meet it, and how much of the load it takes
 * (`schema/path/spread.ts`) where that is not the usual; nothing else.
 */
export const connectorEntry = z.object({
  hash: z.string(),
  relays: z.array(z.string()),
  weight: z.number().optional(),
});

/** A Resource that a Security Policy keeps from a person's session, for the Client to say why; unsigned. */
export const withheld = z.object({
  address: z.string(),
  alias: z.string().optional(),
  /** The policy's name, and which of its rules (`policy/judge.ts`). */
  policy: z.string(),
  reason: z.string(),
});

/** What a Client needs for one Remote Network. `acl` is the signed Client ACL. */
export const networkEntry = z.object({
  acl: z.string(),
  connectors: z.array(connectorEntry),
  withheld: z.array(withheld).optional(),
});

/** How a Connector's link to one relay stands. */
export const relayLink = z.object({
  relay: z.string().max(64),
  state: z.enum(['connected', 'connecting', 'failed']),
  code: z.string().max(64).optional(),
});

/** Made by the Client: 128 bits, base64url. */
const offerId = z.string().regex(/^[\w-]{22}$/);

/** With candidates; or, where the Connector will not or cannot, with the code of the reason. */
const answer = z.object({
  type: z.literal('answer'),
  offer: offerId,
  candidates: candidates.optional(),
  code: z.string().max(64).optional(),
});

/** Made by the Controller: 128 bits, base64url. */
const probeId = z.string().regex(/^[\w-]{22}$/);

/** What a Connector did for a probe, in order; the last one is where it ended. */
export const probeHop = z.object({
  hop: z.enum(['acl', 'resolve', 'connect']),
  ok: z.boolean(),
  ms: z.number().min(0),
  code: z.string().max(64).optional(),
  /** What was found there: addresses, or the one that answered. */
  found: z.array(z.string().max(64)).max(16).optional(),
});

/** What an agent tells of itself is kept and shown: no longer than it needs to be. */
export const aboutAgent = {
  version: z.string().max(64),
  hostname: z.string().max(255).optional(),
  labels: z.record(z.string().max(64), z.string().max(256)).optional(),
};

export const fromAgent = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('hello'),
    capability: z.number().int(),
    ...aboutAgent,
    /** The ACL version that the agent holds; absent when it holds none. */
    acl_version: z.number().int().optional(),
  }),
  z.object({ type: z.literal('ack'), version: z.number().int() }),
  /** How a Connector stands: where it can be met, and how much of the load it takes. */
  z.object({
    type: z.literal('relays'),
    links: z.array(relayLink).max(16),
    weight: z.number().int().min(0).max(maxWeight).optional(),
  }),
  z.object({
    type: z.literal('events'),
    batch: z.number().int(),
    events: z.array(flowEvent).max(batchLimit),
  }),
  /** What a revocation did here. */
  z.object({
    type: z.literal('receipt'),
    revocation: z.string(),
    flows_cut: z.number().int(),
    tunnels_cut: z.number().int(),
  }),
  /** Send the ACL and registration anew: they are about to expire. */
  z.object({ type: z.literal('renew') }),
  /** A Client's, to the Connector of this hash. */
  z.object({ type: z.literal('offer'), offer: offerId, connector: z.string().max(64), candidates }),
  /** A Connector's. */
  answer,
  z.object({ type: z.literal('probed'), probe: probeId, hops: z.array(probeHop).max(3) }),
]);

export const fromController = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('welcome'),
    capability: z.number().int(),
    /** Milliseconds since the epoch. */
    now: z.number().int(),
    relays: z.array(relayEntry),
  }),
  /** To a Connector: a signed snapshot or difference (`connectorAclClaims`). */
  z.object({ type: z.literal('connector_acl'), token: z.string() }),
  /** To a Client: the Remote Networks that changed; null = no longer any Resource there. */
  z.object({
    type: z.literal('client_acl'),
    version: z.number().int(),
    /** True: what is not listed is gone. */
    snapshot: z.boolean(),
    networks: z.record(z.string(), networkEntry.nullable()),
    /** Hashes of Connectors that were revoked lately: tunnels to them end now, whatever they carry. */
    revoked: z.array(z.string()).optional(),
  }),
  /**
   * To Connectors and relays: cut now whatever these stand behind, then answer `receipt`. To Clients: only
   * Connectors are named, tunnels to them end now, and nothing is answered.
   */
  z.object({
    type: z.literal('revoke'),
    revocation: z.string(),
    keys: z.array(z.string()),
    instances: z.array(z.string()),
    principals: z.array(z.string()),
    /** Connector hashes. */
    connectors: z.array(z.string()),
    /** Thumbprints of the instance keys behind the above: all that a relay knows of a Client. */
    jkts: z.array(z.string()),
  }),
  z.object({ type: z.literal('relay_list'), relays: z.array(relayEntry) }),
  /** To a Connector: its fresh token for the relays. */
  z.object({ type: z.literal('registration'), token: z.string() }),
  z.object({ type: z.literal('events_stored'), batch: z.number().int() }),
  /** To a Connector: a Client that may meet it wants a direct path, and proves to be the one with this key there. */
  z.object({ type: z.literal('offer'), offer: offerId, jkt: z.string(), candidates }),
  /** To a Client. */
  answer,
  /** To a Connector: try this destination, as the Resource of this id. */
  z.object({
    type: z.literal('probe'),
    probe: probeId,
    resource: z.string(),
    protocol: z.enum(['tcp', 'udp', 'icmp']),
    host: z.string(),
    port: z.number().int().optional(),
  }),
  /** The channel will close; come back after `reconnect_in_ms` plus jitter. */
  z.object({ type: z.literal('restarting'), reconnect_in_ms: z.number().int() }),
  /** The credential is dead or the version too old; the channel closes and must not be reopened unless `retry`. */
  z.object({
    type: z.literal('refused'),
    code: z.string(),
    detail: z.string().optional(),
    retry: z.boolean(),
  }),
]);

export type RelayEntry = z.infer<typeof relayEntry>;
export type ConnectorEntry = z.infer<typeof connectorEntry>;
export type Withheld = z.infer<typeof withheld>;
export type NetworkEntry = z.infer<typeof networkEntry>;
export type RelayLink = z.infer<typeof relayLink>;
export type ProbeHop = z.infer<typeof probeHop>;
export type Answer = z.infer<typeof answer>;
export type FromAgent = z.infer<typeof fromAgent>;
export type FromController = z.infer<typeof fromController>;
export type FromControllerOf<T extends FromController['type']> = Extract<FromController, { type: T }>;

/** WebSocket close codes of the control channel (RFC 6455 §7.4.2, private range). */
export const controlClose = {
  restarting: 1012,
  protocol: 4400,
  refused: 4401,
  replaced: 4409,
  tooLarge: 4413,
} as const;
