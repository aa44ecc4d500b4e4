/**
 * What agents say to the Controller over the control channel (`messages.ts`): the Controller reads it through
 * these schemas, agents only need the types.
 */
import { z } from 'zod';
import { batchLimit, flowEvent } from '#schema/event/event.ts';
import { candidates } from '#schema/path/candidates.ts';
import { maxWeight } from '#schema/path/spread.ts';
import { aboutAgent } from './messages.ts';
import { answer, offerId, probeId } from './offer.ts';

/** How a Connector's link to one relay stands. */
export const relayLink = z.object({
  relay: z.string().max(64),
  state: z.enum(['connected', 'connecting', 'failed']),
  code: z.string().max(64).optional(),
});

/** What a Connector did for a probe, in order; the last one is where it ended. */
export const probeHop = z.object({
  hop: z.enum(['acl', 'resolve', 'connect']),
  ok: z.boolean(),
  ms: z.number().min(0),
  code: z.string().max(64).optional(),
  /** What was found there: addresses, or the one that answered. */
  found: z.array(z.string().max(64)).max(16).optional(),
});

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

export type RelayLink = z.infer<typeof relayLink>;
export type ProbeHop = z.infer<typeof probeHop>;
export type FromAgent = z.infer<typeof fromAgent>;
