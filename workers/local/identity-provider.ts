/**
 * An OpenID provider for one machine that has none: `oidc-provider`, with users who exist for trying things
 * out and have no password. It speaks the standard as any other does, so that people log in the same way with
 * it as with a real one; it listens on loopback alone. Used by the demo and by tests, never by a deployment.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair } from 'jose';
import Provider, { type Account, errors } from 'oidc-provider';

export interface DemoUser {
  /** The subject, and what its button says it is. */
  id: string;
  email: string;
  name: string;
  groups?: readonly string[];
  /** How it proves who it is (RFC 8176), default `['pwd']`. */
  amr?: readonly string[];
  acr?: string;
  emailVerified?: boolean;
}

export interface IdentityProviderOptions {
  host?: string;
  /** A free one when absent. */
  port?: number;
  users: readonly DemoUser[];
  clientId: string;
  /** Absent: a public client, which PKCE alone protects. */
  clientSecret?: string;
  /** Those that there are, or which may be. */
  redirectUris: string[] | ((uri: string) => boolean);
}

export interface RunningIdentityProvider {
  issuer: string;
  stop(): Promise<void>;
}

export async function startIdentityProvider(o: IdentityProviderOptions): Promise<RunningIdentityProvider> {
  const server = createServer();
  server.listen(o.port ?? 0, o.host ?? '127.0.0.1');
  await once(server, 'listening');
  const { address, port } = server.address() as AddressInfo;
  const issuer = `http://${address}:${port}`;
  const provider = await createProvider(issuer, o);
  const standard = provider.callback();
  server.on('request', (request, response) => {
    if (!request.url?.startsWith('/interaction/')) return void standard(request, response);
    interact(provider, o, request, response).catch((error) => {
      response.statusCode = error instanceof errors.SessionNotFound ? 400 : 500;
      response.end('This login is no longer under way. Begin again.\n');
    });
  });
  return {
    issuer,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function createProvider(issuer: string, o: IdentityProviderOptions): Promise<Provider> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  const { redirectUris } = o;
  const accountOf = (id: string): Account | undefined => {
    const user = o.users.find((one) => one.id === id);
    return (
      user && {
        accountId: id,
        claims: () => ({
          sub: id,
          email: user.email,
          email_verified: user.emailVerified ?? true,
          name: user.name,
          groups: [...(user.groups ?? [])],
          amr: [...(user.amr ?? ['pwd'])],
          ...(user.acr && { acr: user.acr }),
        }),
      }
    );
  };
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: o.clientId,
        ...(o.clientSecret === undefined
          ? { token_endpoint_auth_method: 'none' }
          : { client_secret: o.clientSecret }),
        redirect_uris: typeof redirectUris === 'function' ? [issuer] : redirectUris,
        id_token_signed_response_alg: 'ES256',
        response_types: ['code'],
        grant_types: ['authorization_code'],
      },
    ],
    jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: 'ES256', use: 'sig' }] },
    cookies: { keys: [randomBytes(32).toString('base64url')] },
    findAccount: (_context, id) => accountOf(id),
    claims: {
      openid: ['sub', 'acr', 'amr'],
      email: ['email', 'email_verified'],
      profile: ['name', 'groups'],
    },
    conformIdTokenClaims: false,
    acrValues: [...new Set(o.users.flatMap(({ acr }) => acr ?? []))],
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
    pkce: { required: () => true },
    // Whoever registered the client has consented for all.
    async loadExistingGrant({ oidc }) {
      const grant = new provider.Grant({
        clientId: oidc.client!.clientId,
        accountId: oidc.session!.accountId!,
      });
      grant.addOIDCScope('openid email profile');
      await grant.save();
      return grant;
    },
    ttl: {
      AccessToken: 600,
      AuthorizationCode: 60,
      IdToken: 600,
      Interaction: 600,
      Session: 43_200,
      Grant: 600,
    },
  });
  if (typeof redirectUris === 'function') provider.Client.prototype.redirectUriAllowed = redirectUris;
  return provider;
}

/** Shows who there is; then whoever was chosen is logged in. */
async function interact(
  provider: Provider,
  { users }: IdentityProviderOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  await provider.interactionDetails(request, response);
  const chosen = new URL(request.url!, 'http://here').searchParams.get('user');
  const user = users.find(({ id }) => id === chosen);
  if (request.method === 'POST' && user) {
    const login = { accountId: user.id, amr: [...(user.amr ?? ['pwd'])], ...(user.acr && { acr: user.acr }) };
    return provider.interactionFinished(request, response, { login }, { mergeWithLastSubmission: false });
  }
  response.setHeader('Content-Type', 'text/html; charset=utf-8');
  response.setHeader(
    'Content-Security-Policy',
    "default-src 'none'; style-src 'unsafe-inline'; form-action *",
  );
  response.end(pageOf(users));
}

const pageOf = (users: readonly DemoUser[]): string => `<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>Demo identity provider</title>
<style>:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:26rem;margin:10vh auto;padding:0 1rem}
.mark{border:2px solid #c77700;border-radius:8px;padding:.6rem .9rem}button{display:block;width:100%;margin:.6rem 0;padding:.7rem;font:inherit;text-align:left}</style>
<main><h1>Who are you today?</h1><p class="mark">Demo users, without passwords. This provider runs on this machine alone,
in place of your own.</p>${users
  .map(
    ({ id, name, email }) =>
      `<form method="post" action="?user=${encodeURIComponent(id)}"><button><b>${escaped(name)}</b><br>${escaped(email)}</button></form>`,
  )
  .join('')}</main></html>`;

const escaped = (text: string): string => text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
