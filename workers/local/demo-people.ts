/**
 * People for one machine that has no identity provider: one for each role of the console, and one who is
 * nobody there. They exist at the embedded provider (`identity-provider.ts`), which lets in whoever picks one,
 * so each is marked as a demo and none belongs anywhere else. Offered by `npm run controller` and the demo.
 */
import type { Role } from '#schema/people/roles.ts';
import type { RunningIdentityProvider } from './identity-provider.ts';

export interface DemoPerson {
  id: string;
  email: string;
  name: string;
  role: Role | null;
  groups: readonly string[];
  amr: readonly string[];
  acr?: string;
}

const domain = 'demo.example';
const person = (id: string, name: string, role: Role | null, more: Partial<DemoPerson> = {}): DemoPerson => ({
  ...{ id, email: `${id}@${domain}`, name, role, groups: ['everyone'], amr: ['pwd'] },
  ...more,
});

export const demoPeople: readonly DemoPerson[] = [
  person('olga', 'Olga (demo owner)', 'owner', {
    groups: ['everyone', 'operations'],
    amr: ['pwd', 'otp'],
    acr: 'mfa',
  }),
  person('adam', 'Adam (demo admin)', 'admin', { amr: ['pwd', 'otp'], acr: 'mfa' }),
  person('dora', 'Dora (demo devops)', 'devops', { groups: ['everyone', 'operations'] }),
  person('sam', 'Sam (demo support)', 'support'),
  person('alma', 'Alma (demo auditor)', 'auditor'),
  person('uwe', 'Uwe (demo user without a role)', null),
];

export const demoClientId = 'sallyport';

/**
 * The library is loaded here and nowhere earlier: most starts do not want it.
 * @param baseUrl of the Controller: browsers are sent back to one of its Tenants and nowhere else.
 */
export async function startDemoPeople(port: number, baseUrl: string): Promise<RunningIdentityProvider> {
  const { startIdentityProvider } = await import('./identity-provider.ts');
  const callback = new RegExp(`^${RegExp.escape(baseUrl)}/t/[a-z0-9-]+/login/callback$`);
  return startIdentityProvider({
    port,
    users: demoPeople,
    clientId: demoClientId,
    redirectUris: (uri) => callback.test(uri),
  });
}
