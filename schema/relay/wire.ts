/**
 * How agents meet at a relay. All three doors are HTTP/1.1 Upgrade requests; on success the relay answers
 * 101, otherwise a problem document (RFC 9457) whose `code` is in `errors.ts`.
 *
 *   GET /relay/v1/register   Connector. Authorization: DPoP <registration token>, DPoP: <proof>.
 *                            Always a WebSocket (subprotocol below): the Connector's standing link, JSON
 *                            text messages only, `ping`/`pong` as keep-alive.
 *   GET /relay/v1/connect    Client. Authorization: DPoP <connection token>, DPoP: <proof>.
 *                            The relay tells the Connector `incoming` and answers 101 only when the
 *                            Connector has accepted: bytes that arrive afterwards go straight across.
 *   GET /relay/v1/accept     Connector, for one session. Sallyport-Session: <secret>,
 *                            Sallyport-Connector: <hash>.
 *
 * Beside the doors, GET /relay/v1/observe tells anybody what they come from, as JSON (`observed`): the outside
 * of a NAT, for direct paths. A relay that cannot see it, such as one behind a proxy, does not offer it.
 *
 * connect and accept take `Upgrade: sallyport` (a raw byte stream follows the 101) or `Upgrade: websocket`
 * (binary messages are the stream, in any division; text messages belong to the relay: see `mark`). Each
 * WebSocket offers the subprotocol below, which carries the version. The two sides of a session may use
 * different carriers. A raw stream can be half-closed; a WebSocket cannot, so its close ends both ways.
 *
 * How a session ends: plainly (FIN, or close code 1000) or for a reason (close code 4000 + wire byte of the
 * code; on a raw stream, which has no room for one, a reset, or under TLS an end without close_notify). One who sends a message longer than
 * `messageBytes` is closed with 1009 (RFC 6455 §7.4.1), the other side with `frame_too_large`.
 *
 * A register link lives until one side closes it. A newer link of the same Connector replaces the older one
 * (`replaced`); a link without a `ping` for `linkSilenceMs` counts as dead. Sessions that are paired do not
 * depend on it.
 */
import * as z from 'zod/mini';

export const relayPaths = {
  register: '/relay/v1/register',
  connect: '/relay/v1/connect',
  accept: '/relay/v1/accept',
} as const;
export const observePath = '/relay/v1/observe';
export const rawUpgrade = 'sallyport';
export const relayProtocol = 'sallyport-relay.1';
export const sessionHeader = 'sallyport-session';
export const connectorHeader = 'sallyport-connector';

/** Bounds of a relay, the same for both hosts; a host may be configured lower. */
export const relayLimits = {
  /** Milliseconds for a Connector to accept a session. */
  handshakeMs: 5_000,
  /** Bytes of one WebSocket message. */
  messageBytes: 1024 * 1024,
  /** Paired or waiting sessions of one Connector. */
  sessionsPerConnector: 1_000,
  /** Bytes that may be on their way to one receiver beyond what it has acknowledged: who heeds `room` stays below. */
  roomBytes: 8 * 1024 * 1024,
  /** The same for who does not: the session is closed. */
  unacknowledgedBytes: 16 * 1024 * 1024,
  /** Of all receivers of one edge relay object together: who is furthest behind is closed. */
  unacknowledgedInAll: 64 * 1024 * 1024,
  /** A `mark` is sent after this many bytes. */
  markEvery: 1024 * 1024,
  /** Milliseconds between two `ping`s of a Connector on its register link. */
  linkPingMs: 20_000,
  /** Milliseconds without one after which the relay takes the link for dead. */
  linkSilenceMs: 65_000,
  /** Bytes of one text message, on any link. */
  textBytes: 4 * 1024,
} as const;

/** What a relay sees of whoever asks. */
export const observed = z.object({
  address: z.string().check(z.maxLength(45)),
  port: z.int().check(z.gte(1), z.lte(65_535)),
});

/** Text on a register link, relay → Connector. */
export const toConnector = z.discriminatedUnion('type', [
  z.object({ type: z.literal('registered'), hash: z.string() }),
  /** A Client waits: accept with this secret within `handshakeMs`. */
  z.object({ type: z.literal('incoming'), session: z.string() }),
  /** The relay restarts: dial again after `reconnect_in_ms`, keep trying for `try_for_ms`. */
  z.object({
    type: z.literal('restarting'),
    reconnect_in_ms: z.int(),
    try_for_ms: z.int(),
  }),
]);

/** Text on a register link, Connector → relay. */
export const fromConnector = z.discriminatedUnion('type', [
  /** Will not be accepted: the Client is told the code. */
  z.object({ type: z.literal('decline'), session: z.string(), code: z.string() }),
]);

/**
 * Text on a paired WebSocket. `mark` asks the receiver to answer `seen` with the same number: that bounds what
 * is under way. `room` tells an end how many bytes it may have sent in all, so that it stops before the bound.
 */
export const onPair = z.discriminatedUnion('type', [
  z.object({ type: z.literal('mark'), n: z.int() }),
  z.object({ type: z.literal('seen'), n: z.int() }),
  z.object({ type: z.literal('room'), n: z.int() }),
  z.object({
    type: z.literal('restarting'),
    reconnect_in_ms: z.int(),
    try_for_ms: z.int(),
  }),
]);

export type ToConnector = z.infer<typeof toConnector>;
export type FromConnector = z.infer<typeof fromConnector>;
export type OnPair = z.infer<typeof onPair>;

/** The keep-alive of a register link: these texts, no JSON. */
export const linkPing = 'ping';
export const linkPong = 'pong';

/** WebSocket close codes: 4000 + the wire byte of an error code (`errors.ts`), 1000 for a plain end. */
export const closeCodeOf = (wire: number): number => 4000 + wire;
