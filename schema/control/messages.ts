/**
 * The control channel: JSON text messages over one WebSocket between each agent and the Controller's
 * Durable Object, subprotocol `sallyport-control.1`. Who the agent is was settled before the upgrade by its
 * access token and proof; these messages only say what changed. Keep-alive is the text `ping`, answered
 * `pong` by the edge without waking anything, so an idle agent costs nothing.
 *
 * Each side reads one half of them, which is a file of its own:
 *
 *   agent → Controller   `from-agent.ts`: hello, ack, relays, events, receipt, renew, offer, answer, probed
 *   Controller → agent   `from-controller.ts`: welcome, connector_acl, client_acl, revoke, relay_list, registration,
 *                        events_stored, restarting, refused, offer, answer, probe
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
import * as z from 'zod/mini';

export type { FromAgent, ProbeHop, RelayLink } from './from-agent.ts';
export type { FromController, FromControllerOf } from './from-controller.ts';
export type { Answer } from './offer.ts';

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
  carriers: z.array(z.enum(['raw', 'websocket'])).check(z.minLength(1)),
  /** In the Controller itself: for when no other relay is there. */
  edge: z.optional(z.literal(true)),
});

/**
 * A Connector as Clients see it: its hash, where to meet it, and how much of the load it takes
 * (`schema/path/spread.ts`) where that is not the usual; nothing else.
 */
export const connectorEntry = z.object({
  hash: z.string(),
  relays: z.array(z.string()),
  weight: z.optional(z.number()),
});

/** A Resource that a Security Policy keeps from a person's session, for the Client to say why; unsigned. */
export const withheld = z.object({
  address: z.string(),
  alias: z.optional(z.string()),
  /** The policy's name, and which of its rules (`policy/judge.ts`). */
  policy: z.string(),
  reason: z.string(),
});

/** What a Client needs for one Remote Network. `acl` is the signed Client ACL. */
export const networkEntry = z.object({
  acl: z.string(),
  connectors: z.array(connectorEntry),
  withheld: z.optional(z.array(withheld)),
});

/** What an agent tells of itself is kept and shown: no longer than it needs to be. */
export const aboutAgent = {
  version: z.string().check(z.maxLength(64)),
  hostname: z.optional(z.string().check(z.maxLength(255))),
  labels: z.optional(z.record(z.string().check(z.maxLength(64)), z.string().check(z.maxLength(256)))),
};

export type RelayEntry = z.infer<typeof relayEntry>;
export type ConnectorEntry = z.infer<typeof connectorEntry>;
export type Withheld = z.infer<typeof withheld>;
export type NetworkEntry = z.infer<typeof networkEntry>;

/** WebSocket close codes of the control channel (RFC 6455 §7.4.2, private range). */
export const controlClose = {
  restarting: 1012,
  protocol: 4400,
  refused: 4401,
  replaced: 4409,
  tooLarge: 4413,
} as const;
