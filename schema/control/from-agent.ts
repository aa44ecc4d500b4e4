/**
 * What agents say to the Controller over the control channel (`messages.ts`): the Controller reads it through
 * these schemas, agents only need the types.
 */
import * as z from 'zod/mini';
import { batchLimit, flowEvent } from '#schema/event/event.ts';
import { candidates } from '#schema/path/candidates.ts';
import { maxWeight } from '#schema/path/spread.ts';
import { aboutAgent } from './messages.ts';
import { answer, offerId, probeId } from './offer.ts';

/** How a Connector's link to one relay stands. */
export const relayLink = z.object({
  relay: z.string().check(z.maxLength(64)),
  state: z.enum(['connected', 'connecting', 'failed']),
  code: z.optional(z.string().check(z.maxLength(64))),
});

/** What a Connector did for a probe, in order; the last one is where it ended. */
export const probeHop = z.object({
  hop: z.enum(['acl', 'resolve', 'connect']),
  ok: z.boolean(),
  ms: z.number().check(z.gte(0)),
  code: z.optional(z.string().check(z.maxLength(64))),
  /** What was found there: addresses, or the one that answered. */
  found: z.optional(z.array(z.string().check(z.maxLength(64))).check(z.maxLength(16))),
});

export const fromAgent = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('hello'),
    capability: z.int(),
    ...aboutAgent,
    /** The ACL version that the agent holds; absent when it holds none. */
    acl_version: z.optional(z.int()),
  }),
  z.object({ type: z.literal('ack'), version: z.int() }),
  /** How a Connector stands: where it can be met, and how much of the load it takes. */
  z.object({
    type: z.literal('relays'),
    links: z.array(relayLink).check(z.maxLength(16)),
    weight: z.optional(z.int().check(z.gte(0), z.lte(maxWeight))),
  }),
  z.object({
    type: z.literal('events'),
    batch: z.int(),
    events: z.array(flowEvent).check(z.maxLength(batchLimit)),
  }),
  /** What a revocation did here. */
  z.object({
    type: z.literal('receipt'),
    revocation: z.string(),
    flows_cut: z.int(),
    tunnels_cut: z.int(),
  }),
  /** Send the ACL and registration anew: they are about to expire. */
  z.object({ type: z.literal('renew') }),
  /** A Client's, to the Connector of this hash. */
  z.object({
    type: z.literal('offer'),
    offer: offerId,
    connector: z.string().check(z.maxLength(64)),
    candidates,
  }),
  /** A Connector's. */
  answer,
  z.object({ type: z.literal('probed'), probe: probeId, hops: z.array(probeHop).check(z.maxLength(3)) }),
]);

export type RelayLink = z.infer<typeof relayLink>;
export type ProbeHop = z.infer<typeof probeHop>;
export type FromAgent = z.infer<typeof fromAgent>;
