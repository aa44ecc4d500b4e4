/**
 * What each token says, as schemas: `verify.ts` parses claims through these after the signature holds, and
 * the Controller signs nothing that does not fit. Times are seconds since the epoch (RFC 7519 §2).
 */
import * as z from 'zod/mini';
import { aclEntry, clientAclBody } from '#schema/acl/document.ts';

const seconds = z.int().check(z.nonnegative());

/** The key that the token is bound to, by its thumbprint (RFC 7800 §3.1, RFC 9449 §6.1). */
export const confirmation = z.object({ jkt: z.string().check(z.regex(/^[A-Za-z0-9_-]{43}$/)) });

const registered = z.object({ iss: z.string(), aud: z.string(), iat: seconds, exp: seconds });

export const clientAssertionClaims = z.extend(registered, {
  sub: z.string(),
  jti: z.string().check(z.minLength(16), z.maxLength(128)),
});

/** RFC 9449 §4.2. `ath`: hash of the token the request carries. */
export const proofClaims = z.object({
  jti: z.string().check(z.minLength(16), z.maxLength(128)),
  htm: z.string(),
  htu: z.string(),
  iat: seconds,
  ath: z.optional(z.string()),
});

/** `sub`: the principal, Connector or relay; `client_id`: the Service Key, or again the agent. */
export const accessClaims = z.extend(registered, {
  sub: z.string(),
  client_id: z.string(),
  instance: z.optional(z.string()),
  role: z.enum(['client', 'connector', 'relay']),
  cnf: confirmation,
  jti: z.string(),
});

export const clientAclClaims = z.extend(registered, {
  sub: z.string(),
  key: z.string(),
  instance: z.string(),
  cnf: confirmation,
  /** Renew at this time. */
  rnw: seconds,
  acl: clientAclBody,
});

export const connectorAclClaims = z.extend(registered, {
  sub: z.string(),
  rnw: seconds,
  /** Seconds without a word from the Controller after which the Connector must refuse; 0 = at once. */
  stale: seconds,
  /** The version this one starts from; absent in a snapshot. */
  base: z.optional(z.int()),
  version: z.int(),
  set: z.record(z.string(), aclEntry),
  unset: z.array(z.string()),
});

export const connectionClaims = z.extend(registered, { cnf: confirmation, jti: z.string() });

export const registrationClaims = z.extend(registered, {
  sub: z.string(),
  cnf: confirmation,
  jti: z.string(),
});

export const claimSchemas = {
  clientAssertion: clientAssertionClaims,
  proof: proofClaims,
  access: accessClaims,
  clientAcl: clientAclClaims,
  connectorAcl: connectorAclClaims,
  connection: connectionClaims,
  registration: registrationClaims,
} as const;

export type Claims<K extends keyof typeof claimSchemas> = z.infer<(typeof claimSchemas)[K]>;
