/**
 * The demo's people: the embedded OpenID provider becomes the Tenant's identity provider, and each demo user
 * gets their role, so that a browser gets in as any of them. Run again, it finds what the last run left.
 */
import { demoPeople } from '#workers/local/demo-people.ts';
import type { Answer } from '../world/admin.ts';
import type { World } from '../world/world.ts';

export async function settlePeople({
  admin,
  controller,
}: World): Promise<{ issuer: string; users: string[] }> {
  const [{ issuer, client_id }, providers, users] = await Promise.all([
    controller.line('demo_people_ready'),
    admin.get('/identity-providers'),
    admin.get('/users?limit=200'),
  ]);
  const name = 'Demo users';
  const wanted = { name, issuer, client_id, client_secret: null, allowed_domains: ['demo.example'] };
  const kept: Answer = providers.items.find((one: Answer) => one.name === name);
  if (kept && kept.issuer !== issuer) await admin.delete(`/identity-providers/${kept.id}`);
  if (kept?.issuer !== issuer) await admin.post('/identity-providers', wanted);
  const known = new Set(users.items.map(({ email }: Answer) => email));
  for (const { email, name: called, role } of demoPeople) {
    if (!known.has(email)) await admin.post('/users', { email, name: called, role });
  }
  return { issuer: String(issuer), users: demoPeople.map(({ email }) => email) };
}
