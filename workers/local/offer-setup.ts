/**
 * The first run: while a deployment has no Tenant, whoever starts it gets a one-time code with which a person
 * creates one in a browser (`../controller/routes/setup/`).
 */
import type { RunningController } from './start.ts';

/** @returns undefined where there is a Tenant already. */
export async function offerSetup({
  url,
  operatorToken,
}: Pick<RunningController, 'url' | 'operatorToken'>): Promise<
  { code: string; expires_at: string } | undefined
> {
  const headers = { authorization: `Bearer ${operatorToken}`, 'content-type': 'application/json' };
  const ask = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(`${url}/api/v1${path}`, { headers, ...init });
    if (response.ok) return response.json();
    throw new Error(`${path}: ${response.status}`);
  };
  const { items } = (await ask('/tenants?limit=1')) as { items: unknown[] };
  if (items.length > 0) return undefined;
  return (await ask('/setup-codes', { method: 'POST', body: '{}' })) as { code: string; expires_at: string };
}
