/**
 * What is said to an identity provider (OpenID Connect Core 1.0, authorization code with PKCE): its metadata,
 * the URL that a browser is sent to, and what the code that comes back is worth. The protocol itself is
 * oauth4webapi's. Between `start-login.ts` and `finish-login.ts`.
 */
import * as oauth from 'oauth4webapi';
import type { Authentication, identityProviders } from '#schema/db/people.ts';
import { refuse, type Verdict } from '#schema/errors.ts';
import type { Ports } from '../ports.ts';
import { secretContext } from '../routes/identity-providers/shape.ts';
import type { Row } from '../scope.ts';
import { base64url } from '../secret.ts';

type Provider = Row<typeof identityProviders>;
type Here = Pick<Ports, 'clock' | 'vault'>;

/** What the provider vouches for. */
export interface Vouched {
  subject: string;
  email: string | undefined;
  name: string | undefined;
  /** False only where the provider says so. */
  emailVerified: boolean;
  authentication: Authentication;
}

export interface LoginSecrets {
  state: string;
  nonce: string;
  verifier: string;
}

/** Milliseconds: metadata and keys are asked for again after that; a provider has so long to answer. */
const metadataMs = 10 * 60_000;
const answerMs = 10_000;
/** Seconds that two clocks may differ. */
const tolerance = 60;
/** Of the groups that a provider tells, and of one group's name. */
const mostGroups = 200;
const longestGroup = 256;

const known = new Map<
  string,
  { server: oauth.AuthorizationServer; at: number; jwks: oauth.JWKSCacheInput }
>();
const mostKnown = 200;

export function newSecrets({ random }: Pick<Ports, 'random'>): LoginSecrets {
  const secret = () => base64url(random(32));
  return { state: secret(), nonce: secret(), verifier: secret() };
}

/**
 * @param o.maxAge seconds: somebody who proved who they are longer ago must do so again.
 * @param o.acrValues how they are to prove it, the preferred first (OpenID Connect Core 1.0 §3.1.2.1).
 */
export async function authorizationUrl(
  here: Here,
  provider: Provider,
  secrets: LoginSecrets,
  o: {
    redirectUri: string;
    maxAge?: number | undefined;
    acrValues?: readonly string[] | undefined;
    again?: boolean | undefined;
  },
): Promise<Verdict<{ url: string }>> {
  const found = await metadataOf(here, provider);
  if (!found.ok) return found;
  const { server } = found;
  if (!server.authorization_endpoint)
    return refuse('idp_failed', `${provider.issuer} names no authorization endpoint`);
  const url = new URL(server.authorization_endpoint);
  const parameters = {
    client_id: provider.clientId,
    redirect_uri: o.redirectUri,
    response_type: 'code',
    scope: provider.scopes.includes('openid')
      ? provider.scopes.join(' ')
      : `openid ${provider.scopes.join(' ')}`,
    state: secrets.state,
    nonce: secrets.nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(secrets.verifier),
    code_challenge_method: 'S256',
    ...(o.maxAge !== undefined && { max_age: String(o.maxAge) }),
    ...(o.acrValues?.length && { acr_values: o.acrValues.join(' ') }),
    ...(o.again && { prompt: 'login' }),
  };
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return { ok: true, url: url.href };
}

/** Redeems what the browser brought back. */
export async function redeem(
  here: Here,
  provider: Provider,
  secrets: LoginSecrets,
  o: { returned: URL; redirectUri: string; maxAge?: number | undefined },
): Promise<Verdict<{ vouched: Vouched }, 'idp_refused' | 'idp_failed'>> {
  const found = await metadataOf(here, provider);
  if (!found.ok) return found;
  const { server, jwks } = found;
  const client: oauth.Client = {
    client_id: provider.clientId,
    [oauth.clockTolerance]: tolerance,
    [oauth.clockSkew]: 0,
  };
  try {
    const parameters = oauth.validateAuthResponse(server, client, o.returned, secrets.state);
    const authentication = await clientAuthentication(here, provider, server);
    const response = await oauth.authorizationCodeGrantRequest(
      server,
      client,
      authentication,
      parameters,
      o.redirectUri,
      secrets.verifier,
      requestOptions(provider),
    );
    const tokens = await oauth.processAuthorizationCodeResponse(server, client, response, {
      expectedNonce: secrets.nonce,
      requireIdToken: true,
    });
    await oauth.validateApplicationLevelSignature(server, response, {
      ...requestOptions(provider),
      [oauth.jwksCache]: jwks,
    });
    const claims = oauth.getValidatedIdTokenClaims(tokens)!;
    const more = await userInfo(provider, server, client, tokens.access_token, claims);
    return { ok: true, vouched: vouchedBy(provider, { ...more, ...claims }, here.clock(), o.maxAge) };
  } catch (error) {
    return refusalOf(error, provider);
  }
}

async function metadataOf({ clock }: Here, provider: Provider) {
  const kept = known.get(provider.issuer);
  const now = clock();
  if (kept && now - kept.at < metadataMs) return { ok: true as const, ...kept };
  try {
    const issuer = new URL(provider.issuer);
    const response = await oauth.discoveryRequest(issuer, requestOptions(provider));
    const server = await oauth.processDiscoveryResponse(issuer, response);
    const entry = { server, at: now, jwks: {} as oauth.JWKSCacheInput };
    if (known.size >= mostKnown) known.clear();
    known.set(provider.issuer, entry);
    return { ok: true as const, ...entry };
  } catch (error) {
    return refusalOf(error, provider);
  }
}

/** By the way that the provider's metadata prefers (RFC 8414 §2; absent means `client_secret_basic`). */
async function clientAuthentication(
  { vault }: Here,
  provider: Provider,
  { token_endpoint_auth_methods_supported: methods = ['client_secret_basic'] }: oauth.AuthorizationServer,
): Promise<oauth.ClientAuth> {
  if (provider.sealedSecret === null) return oauth.None();
  const secret = new TextDecoder().decode(
    await vault.open(provider.sealedSecret, secretContext(provider.id)),
  );
  return methods.includes('client_secret_basic') || !methods.includes('client_secret_post')
    ? oauth.ClientSecretBasic(secret)
    : oauth.ClientSecretPost(secret);
}

/** Asked only where the ID token does not say who it is by name: some providers keep it short. */
async function userInfo(
  provider: Provider,
  server: oauth.AuthorizationServer,
  client: oauth.Client,
  accessToken: string,
  claims: oauth.IDToken,
): Promise<Record<string, unknown>> {
  if (claims[provider.claims.email] !== undefined || !server.userinfo_endpoint) return {};
  const response = await oauth.userInfoRequest(server, client, accessToken, requestOptions(provider));
  return { ...(await oauth.processUserInfoResponse(server, client, claims.sub, response)) };
}

function vouchedBy(
  provider: Provider,
  claims: Record<string, unknown>,
  now: number,
  maxAge?: number,
): Vouched {
  const { claims: names, id } = provider;
  const email = textOf(claims[names.email]) ?? emailLike(textOf(claims['preferred_username']));
  const authTime = claims['auth_time'];
  const acr = textOf(claims['acr']);
  const amr = listOf(claims['amr']);
  const groups = listOf(claims[names.groups]);
  return {
    subject: String(claims['sub']),
    email: email?.toLowerCase(),
    name: textOf(claims[names.name]),
    emailVerified: claims['email_verified'] !== false && claims['email_verified'] !== 'false',
    authentication: {
      identityProvider: id,
      at:
        typeof authTime === 'number'
          ? Math.min(authTime * 1000, now)
          : maxAge === undefined
            ? now
            : unknownTime,
      ...(acr !== undefined && { acr }),
      ...(amr.length > 0 && { amr }),
      ...(groups.length > 0 && { groups }),
    },
  };
}

/** Asked when it was, a provider that does not say leaves it unknown, and what is not known satisfies no policy. */
const unknownTime = 0;

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' && value.length <= 254 ? value : undefined;
const emailLike = (text: string | undefined) => (text?.includes('@') ? text : undefined);
const listOf = (value: unknown): string[] =>
  (Array.isArray(value) ? value : typeof value === 'string' ? [value] : [])
    .filter((one): one is string => typeof one === 'string' && one.length <= longestGroup)
    .slice(0, mostGroups);

function requestOptions({ issuer }: Provider) {
  return {
    signal: () => AbortSignal.timeout(answerMs),
    // `checkIssuer` lets plain HTTP pass for this machine alone.
    [oauth.allowInsecureRequests]: issuer.startsWith('http:'),
  };
}

/** What the provider said of the person goes to them; what is wrong between it and us, to the log alone. */
function refusalOf(error: unknown, { issuer }: Provider) {
  if (error instanceof oauth.AuthorizationResponseError)
    return refuse('idp_refused', error.error_description ?? error.error);
  const what = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return refuse('idp_failed', `${issuer}: ${what}`);
}
