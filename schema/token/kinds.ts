/**
 * Every token that exists, in one table: what its `typ` is, who issues it, for whom, for how long, and who
 * verifies it. `verify.ts` reads this table, so that a token of one kind can never pass for another
 * (RFC 8725 §3.11). All are signed with ES256 and all are bound to a key: what is stolen cannot be used.
 */

export interface TokenKind {
  /** JOSE header `typ`, always checked. */
  typ: string;
  issuer: 'agent' | 'tenant';
  audience: string;
  /** Seconds from `iat` to `exp` at most; a token that claims more is refused. */
  lifetime: number;
  verifiedBy: string;
  singleUse: boolean;
}

export const tokenKinds = {
  /** RFC 7523 §3 client assertion: a Service Key, Connector or relay says who it is. `sub` = `iss` = its id. */
  clientAssertion: {
    typ: 'client-authentication+jwt',
    issuer: 'agent',
    audience: 'the Tenant’s token endpoint',
    lifetime: 60,
    verifiedBy: 'Controller',
    singleUse: true,
  },
  /** RFC 9449 proof of possession that accompanies one request. Carries its public key, `htm`, `htu` and `ath`. */
  proof: {
    typ: 'dpop+jwt',
    issuer: 'agent',
    audience: 'the request it accompanies (`htu`)',
    lifetime: 60,
    verifiedBy: 'Controller or relay',
    singleUse: true,
  },
  /** RFC 9068 access token of an agent for the Controller. */
  access: {
    typ: 'at+jwt',
    issuer: 'tenant',
    audience: 'the Tenant',
    lifetime: 3600,
    verifiedBy: 'Controller',
    singleUse: false,
  },
  /** What one instance may reach in one Remote Network. */
  clientAcl: {
    typ: 'sallyport-client-acl+jwt',
    issuer: 'tenant',
    audience: 'the Remote Network’s id',
    lifetime: 3600,
    verifiedBy: 'Connector',
    singleUse: false,
  },
  /** What one Connector may forward to; a snapshot, or the difference to one. */
  connectorAcl: {
    typ: 'sallyport-connector-acl+jwt',
    issuer: 'tenant',
    audience: 'the Connector’s hash',
    lifetime: 3600,
    verifiedBy: 'Connector',
    singleUse: false,
  },
  /** This Client may meet this Connector now. Seen by the relay, so it names neither principal nor Resource. */
  connection: {
    typ: 'sallyport-connection+jwt',
    issuer: 'tenant',
    audience: 'the Connector’s hash',
    lifetime: 60,
    verifiedBy: 'relay and Connector',
    singleUse: true,
  },
  /** This Connector may register at the relays. `sub` = its hash. */
  registration: {
    typ: 'sallyport-registration+jwt',
    issuer: 'tenant',
    audience: 'sallyport:relay',
    lifetime: 3600,
    verifiedBy: 'relay',
    singleUse: false,
  },
} as const satisfies Record<string, TokenKind>;

export type TokenKindName = keyof typeof tokenKinds;

/** Signature algorithm of every token here. */
export const algorithm = 'ES256';

/** Seconds by which two clocks may differ once the learnt offset is applied. */
export const clockTolerance = 5;

/** The share of its life after which a token is renewed. */
export const renewAfter = 0.66;

/** The audience of every registration token. */
export const relayAudience = 'sallyport:relay';
