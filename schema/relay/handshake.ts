/**
 * Who may come in at a relay. Pure verification of the three doors of `wire.ts`: the host hands over method,
 * URL and headers of an Upgrade request and gets either the facts that `switch.ts` seats somebody by, or the
 * code of a refusal. Before this: an HTTP request on a host's listener. After it: the ids in `uses` must be
 * used up (`once.ts`), since a token or proof that came twice is worth nothing; then the switch.
 */
import type { JWTVerifyGetKey } from 'jose';
import * as jose from 'jose/errors';
import { decodeJwt } from 'jose/jwt/decode';
import { type ErrorCode, refuse, SallyportError, type Verdict } from '#schema/errors.ts';
import { type ConnectorHash, connectorHashOf, isConnectorHash } from '#schema/ids.ts';
import { clockTolerance, relayAudience, tokenKinds } from '#schema/token/kinds.ts';
import { verifyProof } from '#schema/token/proof.ts';
import { spkiOf } from '#schema/token/spki.ts';
import { verifyToken } from '#schema/token/verify.ts';
import type { Use } from './once.ts';
import { connectorHeader, rawUpgrade, relayPaths, relayProtocol, sessionHeader } from './wire.ts';

export type Door = keyof typeof relayPaths;
export type Carrier = 'raw' | 'websocket';

/** An Upgrade request as any host can hand it over. */
export interface Knock {
  door: Door;
  method: string;
  /** The door's public URL, as Clients and Connectors know it: proofs are made for it. */
  url: string;
  /** The value of a header, name in lower case. */
  header(name: string): string | null | undefined;
  nowMs: number;
}

/** What a host knows of those who sign tokens. */
export interface Issuers {
  allowed(issuer: string): boolean;
  /** The issuer's keys. A rejection with a SallyportError becomes the refusal. */
  keysOf(issuer: string): Promise<JWTVerifyGetKey>;
}

interface Bound {
  hash: ConnectorHash;
  /** Thumbprint of the key that stands behind the request. */
  jkt: string;
  carrier: Carrier;
  /** When its token was issued, milliseconds since the epoch. */
  issuedMs: number;
  uses: Use[];
}
export type Registration = Bound & { door: 'register' };
export type Connection = Bound & { door: 'connect' };
export interface Acceptance {
  door: 'accept';
  hash: ConnectorHash;
  session: string;
  carrier: Carrier;
}
export type Admission = Registration | Connection | Acceptance;

/** A longer one is refused unread. */
const tokenLimit = 4096;

/** The door that a path leads to; `base` is the path of the relay's public URL. */
export function doorOf(pathname: string, base = ''): Door | null {
  const prefix = base.endsWith('/') ? base.slice(0, -1) : base;
  for (const door of Object.keys(relayPaths) as Door[]) {
    if (pathname === prefix + relayPaths[door]) return door;
  }
  return null;
}

export async function verifyKnock(
  knock: Knock,
  issuers: Issuers,
): Promise<Verdict<{ admission: Admission }>> {
  const carrier = carrierOf(knock);
  if (!carrier.ok) return carrier;
  return knock.door === 'accept'
    ? verifyAcceptance(knock, carrier.carrier)
    : verifyBound(knock, knock.door, carrier.carrier, issuers);
}

/** `register` and `connect` differ in the kind of token, and in which claim names the Connector. */
async function verifyBound(
  knock: Knock,
  door: 'register' | 'connect',
  carrier: Carrier,
  issuers: Issuers,
): Promise<Verdict<{ admission: Admission }>> {
  const { method, url, nowMs } = knock;
  const token = /^DPoP ([\w.-]+)$/i.exec(knock.header('authorization') ?? '')?.[1];
  if (token === undefined || token.length > tokenLimit) return refuse('token_invalid', 'no token');
  const issuer = issuerOf(token);
  if (issuer === null || !issuers.allowed(issuer)) return refuse('token_invalid', 'issuer not accepted');

  // The proof first: it costs the other side a signature, and it needs no keys from anywhere.
  const presented = knock.header('dpop') ?? '';
  if (presented.length > tokenLimit) return refuse('proof_invalid', 'too long');
  const proof = await verifyProof(presented, { method, url, token, nowMs });
  if (!proof.ok) return proof;

  const keys = await keysOf(issuers, issuer);
  if (!keys.ok) return keys;
  const expected = { keys: keys.keys, issuer, nowMs };
  const verified =
    door === 'register'
      ? await guarded(verifyToken('registration', token, { ...expected, audience: relayAudience }))
      : await guarded(verifyToken('connection', token, expected));
  if (!verified.ok) return verified;
  const { claims } = verified;
  if (claims.cnf.jkt !== proof.jkt) return refuse('proof_invalid', 'the token is bound to another key');

  const uses: Use[] = [
    { id: `proof:${proof.jkt}:${proof.jti}`, untilMs: rememberUntil(proof.iat + tokenKinds.proof.lifetime) },
  ];
  const hash = 'sub' in claims ? claims.sub : claims.aud;
  if (!isConnectorHash(hash)) return refuse('wrong_audience', 'names no Connector');
  if (door === 'register') {
    // The hash is of the very key that signed: nobody, not even the Controller, can seat another under it.
    if (hash !== (await connectorHashOf(spkiOf(proof.publicJwk)))) {
      return refuse('proof_invalid', 'the Connector ID is of another key');
    }
    // Its token serves many times, so only itself limits how many proofs it makes.
    for (const use of uses) use.owner = hash;
  } else {
    uses.push({ id: `token:${issuer}:${claims.jti}`, untilMs: rememberUntil(claims.exp) });
  }
  const issuedMs = claims.iat * 1000;
  return { ok: true, admission: { door, hash, jkt: proof.jkt, carrier, issuedMs, uses } };
}

/** The secret alone opens this door; whether it is right is for the switch to say. */
function verifyAcceptance(knock: Knock, carrier: Carrier): Verdict<{ admission: Admission }> {
  const hash = knock.header(connectorHeader);
  const session = knock.header(sessionHeader);
  if (!isConnectorHash(hash)) return refuse('bad_request', `${connectorHeader} is missing or malformed`);
  if (session == null || !/^[\w.-]{16,128}$/.test(session)) {
    return refuse('bad_request', `${sessionHeader} is missing or malformed`);
  }
  return { ok: true, admission: { door: 'accept', hash, session, carrier } };
}

function carrierOf({ door, method, header }: Knock): Verdict<{ carrier: Carrier }> {
  if (method !== 'GET') return refuse('method_not_allowed');
  const upgrade = header('upgrade')?.toLowerCase();
  if (upgrade === rawUpgrade && door !== 'register') return { ok: true, carrier: 'raw' };
  if (upgrade !== 'websocket') return refuse('version_unsupported', 'no Upgrade that is spoken here');
  const offered = (header('sec-websocket-protocol') ?? '').split(',').map((one) => one.trim());
  return offered.includes(relayProtocol)
    ? { ok: true, carrier: 'websocket' }
    : refuse('version_unsupported', `the subprotocol ${relayProtocol} was not offered`);
}

function issuerOf(token: string): string | null {
  try {
    const { iss } = decodeJwt(token);
    // Nothing has been verified yet: it may be anything that JSON knows.
    return typeof iss === 'string' ? iss : null;
  } catch (error) {
    if (error instanceof jose.JOSEError) return null;
    throw error;
  }
}

async function keysOf(issuers: Issuers, issuer: string): Promise<Verdict<{ keys: JWTVerifyGetKey }>> {
  return guarded(issuers.keysOf(issuer).then((keys) => ({ ok: true, keys })));
}

/** A host that cannot get keys says so by throwing, also from within the verification. */
async function guarded<T extends Verdict<object>>(
  work: Promise<T>,
): Promise<T | { ok: false; code: ErrorCode; detail?: string }> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof SallyportError) return refuse(error.code, error.message);
    throw error;
  }
}

/** A second more than anybody would still accept it. */
const rememberUntil = (seconds: number): number => (seconds + clockTolerance + 1) * 1000;
