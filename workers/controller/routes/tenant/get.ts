/** GET /tenant: the Tenant that the token belongs to. */
import { adminRoute, answer } from '../../admin-route.ts';
import { show, tenant } from '../tenants/shape.ts';

export const getTenant = adminRoute(
  {
    method: 'get',
    path: '/tenant',
    tag: 'Tenant',
    summary: 'Get this Tenant',
    needs: 'tenant:read',
    answer: tenant,
  },
  async ({ ports, tenant }) => answer(show(tenant, ports.settings)),
);
