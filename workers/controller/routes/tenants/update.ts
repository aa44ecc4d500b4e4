/**
 * PATCH /tenants/{id}, by the deployment's operator. A new host name makes a new URL: Service Keys that were
 * handed out with the old one go on working at the path `/t/<slug>` alone.
 */
import { tenants } from '#schema/db/tables.ts';
import { operatorRoute } from '../../admin-route.ts';
import { Change } from '../../change.ts';
import { deploymentOf } from '../../deployment.ts';
import { absent, idPath, someOf } from '../../fields.ts';
import { scopeOf } from '../../scope.ts';
import { aclShows, columnsOf, hostname, own, show, tenant } from './shape.ts';

export const updateTenantByOperator = operatorRoute(
  {
    method: 'patch',
    path: '/tenants/{id}',
    tag: 'Deployment',
    summary: 'Change a Tenant',
    params: idPath,
    body: someOf({ ...own, hostname }),
    answer: tenant,
    refuses: ['name_taken'],
  },
  async (ask) => {
    const { ports, body } = ask;
    const held = await deploymentOf(ports.database).find(tenants, ask.params.id);
    if (!held) return absent('Tenant', ask.params.id);
    const columns = columnsOf(body);
    const raised = aclShows(body) ? 1 : 0;
    const row = { ...held, ...columns, configVersion: held.configVersion + raised };
    const scope = scopeOf(ports.database, held.id);
    const after = show(row, ports.settings);
    const change = new Change({ ...ask, scope })
      .write(scope.updateTenant(columns))
      .audit('update', 'tenant', held.id, { before: show(held, ports.settings), after });
    if (raised) change.configuration();
    return change.commit({ body: after });
  },
);
