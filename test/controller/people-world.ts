/** A Tenant with a real OpenID provider, and people who log in at it. */
import { createHash } from 'node:crypto';
import { signProof } from '#schema/token/proof.ts';
import { type RunningIdentityProvider, startIdentityProvider } from '#workers/local/identity-provider.ts';
import type { ControllerOptions } from '#workers/local/start.ts';
import { type KeyPair, makeKeyPair, nonce } from '../fake/agent.ts';
import { Admin } from '../world/admin.ts';
import { Browser, type Page } from '../world/browser.ts';
import { Administration } from './administration.ts';

export const people = {
  olive: {
    id: 'olive',
    email: 'olive@acme.example',
    name: 'Olive Owner',
    groups: ['ops'],
    amr: ['pwd', 'otp'],
    acr: 'mfa',
  },
  adam: { id: 'adam', email: 'adam@acme.example', name: 'Adam Admin' },
  dora: { id: 'dora', email: 'dora@acme.example', name: 'Dora Devops' },
  sam: { id: 'sam', email: 'sam@acme.example', name: 'Sam Support' },
  alma: { id: 'alma', email: 'alma@acme.example', name: 'Alma Auditor' },
  nora: { id: 'nora', email: 'nora@acme.example', name: 'Nora Newcomer' },
  eve: { id: 'eve', email: 'eve@elsewhere.example', name: 'Eve Elsewhere' },
  una: { id: 'una', email: 'una@acme.example', name: 'Una Unverified', emailVerified: false },
  /** Says that she is Olive, with a subject of her own. */
  mallory: { id: 'mallory', email: 'olive@acme.example', name: 'Not Olive' },
} as const;
export type Who = keyof typeof people;

export class PeopleWorld {
  readonly administration: Administration;
  readonly idp: RunningIdentityProvider;
  readonly admin: Admin;
  readonly tenant: { id: string; slug: string; url: string };

  private constructor(
    administration: Administration,
    idp: RunningIdentityProvider,
    tenant: { id: string; slug: string; url: string },
    admin: Admin,
  ) {
    this.administration = administration;
    this.idp = idp;
    this.tenant = tenant;
    this.admin = admin;
  }

  /** Set up as a deployment is for the first time: by a setup code, in the name of Olive. */
  static async start(options: ControllerOptions = {}): Promise<PeopleWorld> {
    const administration = await Administration.start(options);
    const { controller, operator } = administration;
    const slug = `acme-${process.pid}`;
    const base = options.baseUrl ?? controller.url;
    const idp = await startIdentityProvider({
      users: Object.values(people),
      clientId: 'sallyport',
      clientSecret: 'a secret of the client',
      redirectUris: (uri) => uri.startsWith(`${base}/t/`) && uri.endsWith('/login/callback'),
    });
    const { code } = await operator.post('/setup-codes');
    const response = await administration.ask('POST', '/api/v1/setup', {
      headers: { 'content-type': 'application/json', authorization: `Bearer ${code}` },
      body: JSON.stringify({
        slug,
        name: 'Acme',
        owner_email: 'olive@acme.example',
        identity_provider: {
          name: 'Acme ID',
          issuer: idp.issuer,
          client_id: 'sallyport',
          client_secret: 'a secret of the client',
          allowed_domains: ['acme.example'],
        },
      }),
    });
    if (response.status !== 201) throw new Error(JSON.stringify(response.body));
    const { tenant } = response.body;
    const token = await operator.post(`/tenants/${tenant.id}/api-tokens`, { name: 'tests', scopes: ['*'] });
    return new PeopleWorld(administration, idp, tenant, new Admin(tenant.url, token.token));
  }

  /** Another Tenant of the same deployment, whose people log in at the same provider. */
  async neighbour(): Promise<PeopleWorld> {
    const { admin, id, slug } = await this.administration.tenant();
    await admin.post('/identity-providers', {
      name: 'Neighbour ID',
      issuer: this.idp.issuer,
      client_id: 'sallyport',
      client_secret: 'a secret of the client',
    });
    return new PeopleWorld(this.administration, this.idp, { id, slug, url: admin.url }, admin);
  }

  async stop(): Promise<void> {
    await this.idp.stop();
    await this.administration.stop();
  }

  /** At the identity provider's page, as one of its users. */
  async choose(browser: Browser, at: Page, who: Who, stop?: RegExp): Promise<Page> {
    if (!at.url.includes('/interaction/'))
      throw new Error(`not at the identity provider: ${at.url} ${at.text}`);
    return browser.submit(at.url, `?user=${who}`, {}, stop);
  }

  /** Logs in to the console; where the browser ends up. */
  async login(who: Who, browser = new Browser(), query = ''): Promise<{ browser: Browser; page: Page }> {
    const at = await browser.open(`${this.tenant.url}/login${query}`);
    const page = at.url.includes('/interaction/') ? await this.choose(browser, at, who, /\/console\//) : at;
    return { browser, page };
  }

  /** Somebody logs in on a device by redirect; the id of that login, and its key. */
  async loginOnDevice(who: Who): Promise<{ id: string; key: KeyPair }> {
    const key = await makeKeyPair();
    const { crv, kty, x, y } = key.publicJwk;
    const digest = (text: string) => createHash('sha256').update(text).digest('base64url');
    const redirectUri = 'http://127.0.0.1:49152/callback';
    const verifier = 'v'.repeat(64);
    const query = new URLSearchParams({
      ...{ response_type: 'code', client_id: 'sallyport-client', redirect_uri: redirectUri },
      ...{ state: 'a state of it', code_challenge: digest(verifier), code_challenge_method: 'S256' },
      dpop_jkt: digest(JSON.stringify({ crv, kty, x, y })),
    });
    const browser = new Browser();
    const at = await browser.open(`${this.tenant.url}/oauth/authorize?${query}`);
    const back = await this.choose(browser, at, who, /^http:\/\/127\.0\.0\.1:49152/);
    const url = `${this.tenant.url}/oauth/token`;
    const dpop = await signProof({ method: 'POST', url, nowMs: Date.now(), jti: nonce(), ...key });
    const fields = {
      ...{ grant_type: 'authorization_code', client_id: 'sallyport-client', redirect_uri: redirectUri },
      ...{ code: new URL(back.url).searchParams.get('code')!, code_verifier: verifier },
    };
    const response = await fetch(url, {
      method: 'POST',
      headers: { dpop },
      body: new URLSearchParams(fields),
    });
    const { session_id: id } = (await response.json()) as { session_id: string };
    return { id, key };
  }

  /** Asks the API as a page of the console does. */
  ask(browser: Browser, method: string, path: string, body?: unknown, headers?: Record<string, string>) {
    return browser.ask(method, `${this.tenant.url}/api/v1${path}`, body, headers);
  }
}
