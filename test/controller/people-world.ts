/** A Tenant with a real OpenID provider, and people who log in at it. */
import { type RunningIdentityProvider, startIdentityProvider } from '#workers/local/identity-provider.ts';
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
  static async start(): Promise<PeopleWorld> {
    const administration = await Administration.start();
    const { controller, operator } = administration;
    const slug = `acme-${process.pid}`;
    const idp = await startIdentityProvider({
      users: Object.values(people),
      clientId: 'sallyport',
      clientSecret: 'a secret of the client',
      redirectUris: [`${controller.url}/t/${slug}/login/callback`],
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

  /** Asks the API as a page of the console does. */
  ask(browser: Browser, method: string, path: string, body?: unknown, headers?: Record<string, string>) {
    return browser.ask(method, `${this.tenant.url}/api/v1${path}`, body, headers);
  }
}
