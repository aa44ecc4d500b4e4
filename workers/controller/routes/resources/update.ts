/** PATCH /resources/{id}. Live flows that the new form no longer allows are cut by the Connectors. */
import { eq } from 'drizzle-orm';
import { policies, remoteNetworks, resources } from '#schema/db/tables.ts';
import { canonical } from '#schema/resource/canonical.ts';
import { adminRoute } from '../../admin-route.ts';
import { Change } from '../../change.ts';
import { absent, idPath, someOf } from '../../fields.ts';
import { peopleOnDevices } from '../policies/shape.ts';
import { overlapsOf, taken } from './neighbours.ts';
import { refusals, show, withOverlaps, writable } from './shape.ts';

export const updateResource = adminRoute(
  {
    method: 'patch',
    path: '/resources/{id}',
    tag: 'Resources',
    summary: 'Change a Resource',
    needs: 'resources:write',
    params: idPath,
    body: someOf(writable),
    answer: withOverlaps,
    refuses: refusals,
  },
  async (ask) => {
    const { scope, now, body } = ask;
    const held = await scope.byId(resources, ask.params.id);
    if (!held) return absent('Resource', ask.params.id);
    const {
      allow_reserved: allowReserved = held.allowReserved,
      remote_network_id: network = held.remoteNetworkId,
      policy_id: policyId = held.policyId,
      ...fields
    } = body;
    if (!(await scope.byId(remoteNetworks, network))) return absent('Remote Network', network);
    if (policyId !== null && !(await scope.byId(policies, policyId))) return absent('policy', policyId);
    const wanted = {
      ...held,
      ...fields,
      allowReserved,
      policyId: policyId as typeof held.policyId,
      remoteNetworkId: network as typeof held.remoteNetworkId,
    };
    const checked = canonical(wanted);
    if (!checked.ok) return checked;
    const { id, tenantId: _, createdAt, ...changes } = { ...wanted, ...checked.fields, updatedAt: now };
    const row = { ...held, ...changes };
    const refusal = await taken(scope, row);
    if (refusal) return refusal;
    const shown = show(row);
    const change = new Change(ask)
      .write(scope.update(resources, changes, eq(resources.id, id)))
      .audit('update', 'resource', id, { before: show(held), after: shown });
    if (aclShows(body)) change.configuration();
    // What another policy withholds is withheld at once.
    if (row.policyId !== held.policyId) change.floor(...(await peopleOnDevices(scope, now)));
    return change.commit({ body: { ...shown, overlaps: await overlapsOf(scope, row) } });
  },
);

/** Names and tags are in no ACL. */
const aclShows = (body: object): boolean =>
  Object.keys(body).some((field) => field !== 'name' && field !== 'tags');
