/**
 * What the Controller says to agents over the control channel (`messages.ts`). An agent loads it when it opens the
 * channel, not before.
 */
import * as z from 'zod/mini';
import { candidates } from '#schema/path/candidates.ts';
import { networkEntry, relayEntry } from './messages.ts';
import { answer, offerId, probeId } from './offer.ts';

export const fromController = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('welcome'),
    capability: z.int(),
    /** Milliseconds since the epoch. */
    now: z.int(),
    relays: z.array(relayEntry),
  }),
  /** To a Connector: a signed snapshot or difference (`connectorAclClaims`). */
  z.object({ type: z.literal('connector_acl'), token: z.string() }),
  /** To a Client: the Remote Networks that changed; null = no longer any Resource there. */
  z.object({
    type: z.literal('client_acl'),
    version: z.int(),
    /** True: what is not listed is gone. */
    snapshot: z.boolean(),
    networks: z.record(z.string(), z.nullable(networkEntry)),
    /** Hashes of Connectors that were revoked lately: tunnels to them end now, whatever they carry. */
    revoked: z.optional(z.array(z.string())),
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
  z.object({ type: z.literal('events_stored'), batch: z.int() }),
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
    port: z.optional(z.int()),
  }),
  /** The channel will close; come back after `reconnect_in_ms` plus jitter. */
  z.object({ type: z.literal('restarting'), reconnect_in_ms: z.int() }),
  /** The credential is dead or the version too old; the channel closes and must not be reopened unless `retry`. */
  z.object({
    type: z.literal('refused'),
    code: z.string(),
    detail: z.optional(z.string()),
    retry: z.boolean(),
  }),
]);

export type FromController = z.infer<typeof fromController>;
export type FromControllerOf<T extends FromController['type']> = Extract<FromController, { type: T }>;
