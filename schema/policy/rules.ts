/**
 * Security Policies: what a person must show beyond being who they are. A policy stands over Resources, one
 * is the Tenant's default, and Services are never asked. `judge.ts` decides; the Controller leaves what a
 * policy withholds out of the Client ACL and tells the Client which rule it was.
 */
import { z } from 'zod';

/** Seconds. */
const shortest = 300;
const longest = 90 * 86_400;
const list = (item: z.ZodString) => z.array(item.min(1).max(256)).max(50);

/** Absent or empty: not asked for. */
export const policyRules = z.strictObject({
  /** How long a login on a device lasts, in seconds, whatever its use. */
  session_seconds: z.number().int().min(shortest).max(longest).default(86_400),
  /** How long ago somebody may have proved to the identity provider who they are, in seconds. */
  reauthenticate_seconds: z.number().int().min(shortest).max(longest).nullable().default(null),
  /** Any of these as `acr` (OpenID Connect Core 1.0 §2). */
  acr: list(z.string()).default([]),
  /** Any of these among `amr` (RFC 8176). */
  amr: list(z.string()).default([]),
  /** Membership in any of these, by the identity provider's own names. */
  idp_groups: list(z.string()).default([]),
  /** The Client comes from one of these, as the Controller sees it: CIDRs. */
  networks: list(z.string()).default([]),
  /** At least this version of the Client, `major.minor.patch`. */
  min_version: z
    .string()
    .regex(/^\d{1,5}(\.\d{1,5}){0,2}$/)
    .nullable()
    .default(null),
  platforms: z
    .array(z.enum(['linux', 'darwin', 'windows']))
    .max(3)
    .default([]),
});

export type PolicyRules = z.output<typeof policyRules>;

/** A policy that asks for nothing but a login of the last day. */
export const openRules: PolicyRules = policyRules.parse({});
