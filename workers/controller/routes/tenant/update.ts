/** PATCH /tenant: name, staleness budget and retention. Its host name is the operator's to set. */
import { adminRoute } from '../../admin-route.ts';
import { Change } from '../../change.ts';
import { someOf } from '../../fields.ts';
import { aclShows, columnsOf, own, show, tenant } from '../tenants/shape.ts';

export const updateTenant = adminRoute(
  {
    method: 'patch',
    path: '/tenant',
    tag: 'Tenant',
    summary: 'Change this Tenant',
    needs: 'tenant:write',
    body: someOf(own),
    answer: tenant,
  },
  async (ask) => {
    const { ports, scope, body } = ask;
    const columns = columnsOf(body);
    const raised = aclShows(body) ? 1 : 0;
    const row = { ...ask.tenant, ...columns, configVersion: ask.tenant.configVersion + raised };
    const after = show(row, ports.settings);
    const change = new Change(ask)
      .write(scope.updateTenant(columns))
      .audit('update', 'tenant', scope.tenantId, { before: show(ask.tenant, ports.settings), after });
    if (raised) change.configuration();
    return change.commit({ body: after });
  },
);
