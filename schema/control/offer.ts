/**
 * What is said in both directions of the control channel (`messages.ts`): by what an offer of a direct path and a
 * probe are known, and the answer to an offer, which the Controller passes on as the Connector gave it.
 */
import * as z from 'zod/mini';
import { candidates } from '#schema/path/candidates.ts';

/** Made by the Client: 128 bits, base64url. */
export const offerId = z.string().check(z.regex(/^[\w-]{22}$/));

/** With candidates; or, where the Connector will not or cannot, with the code of the reason. */
export const answer = z.object({
  type: z.literal('answer'),
  offer: offerId,
  candidates: z.optional(candidates),
  code: z.optional(z.string().check(z.maxLength(64))),
});

/** Made by the Controller: 128 bits, base64url. */
export const probeId = z.string().check(z.regex(/^[\w-]{22}$/));

export type Answer = z.infer<typeof answer>;
