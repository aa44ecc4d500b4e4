/**
 * What an agent and the Controller say to each other over HTTPS before a control channel exists: enrolment
 * (once in a Connector's or relay's life), login (RFC 6749 §4.4 with RFC 7523 and RFC 9449) and asking for
 * connection tokens. Paths are below the Tenant's URL, for relays below the deployment's.
 */
import * as z from 'zod/mini';
import { aboutAgent, networkEntry, relayEntry } from './messages.ts';

export const paths = {
  token: '/oauth/token',
  enrol: '/api/v1/enrol',
  connections: '/api/v1/connections',
  channel: '/api/v1/channel',
  jwks: '/.well-known/jwks.json',
} as const;

/** RFC 7523 §2.2. */
export const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

export const publicJwk = z.object({
  kty: z.literal('EC'),
  crv: z.literal('P-256'),
  x: z.string().check(z.length(43)),
  y: z.string().check(z.length(43)),
});
export type PublicJwk = z.infer<typeof publicJwk>;

/** POST enrol. With a `DPoP` proof by the key that is enrolled. */
export const enrolRequest = z.object({
  token: z.string().check(z.maxLength(256)),
  public_key: publicJwk,
  ...aboutAgent,
});
/** 201. `id` is `con_…` or `rel_…`; `tenant_url` absent for a relay. */
export const enrolAnswer = z.object({
  id: z.string(),
  hash: z.optional(z.string()),
  tenant_url: z.optional(z.string()),
});

/** POST token, form-encoded: grant_type=client_credentials, client_assertion_type, client_assertion. */
export const tokenAnswer = z.object({
  access_token: z.string(),
  token_type: z.literal('DPoP'),
  expires_in: z.int(),
  /** Milliseconds since the epoch, by the Controller's clock. */
  now: z.int(),
  relays: z.array(relayEntry),
  /** Clients only. */
  client: z.optional(
    z.object({
      instance: z.string(),
      /** `svc_…` or `usr_…`. */
      principal: z.string(),
      /** The Service Key, or the person's session. */
      key: z.string(),
      key_expires_at: z.nullable(z.string()),
      acl_version: z.int(),
      networks: z.record(z.string(), networkEntry),
      /** Connector hash → connection token, for tunnels opened ahead of need. */
      connections: z.record(z.string(), z.string()),
    }),
  ),
  /** Connectors only. */
  connector: z.optional(z.object({ hash: z.string(), network: z.string(), registration: z.string() })),
});

/** POST connections, by a Client, with access token and proof. */
export const connectionsRequest = z.object({
  connectors: z.array(z.string()).check(z.minLength(1), z.maxLength(32)),
});
export const connectionsAnswer = z.object({
  connections: z.record(z.string(), z.string()),
  now: z.int(),
});

export type EnrolRequest = z.infer<typeof enrolRequest>;
export type EnrolAnswer = z.infer<typeof enrolAnswer>;
export type TokenAnswer = z.infer<typeof tokenAnswer>;
export type ConnectionsAnswer = z.infer<typeof connectionsAnswer>;
