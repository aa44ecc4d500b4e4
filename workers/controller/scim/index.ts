/**
 * SCIM 2.0 (RFC 7643, RFC 7644) below `/scim/v2` of a Tenant: how an identity provider tells who there is and
 * who is in which group.
 */
import type { Controller } from '../context.ts';
import { refuseScim, scimRoute } from './answer.ts';
import { resourceTypes, schemaList, serviceProviderConfig } from './discovery.ts';
import { createGroup } from './groups/create.ts';
import { deleteGroup } from './groups/delete.ts';
import { getGroup } from './groups/get.ts';
import { listGroups } from './groups/list.ts';
import { patchGroup } from './groups/patch.ts';
import { replaceGroup } from './groups/replace.ts';
import { createUser } from './users/create.ts';
import { deleteUser } from './users/delete.ts';
import { getUser } from './users/get.ts';
import { listUsers } from './users/list.ts';
import { patchUser } from './users/patch.ts';
import { replaceUser } from './users/replace.ts';

export function mountScim(app: Controller): void {
  const at = '/scim/v2';
  app.get(`${at}/ServiceProviderConfig`, serviceProviderConfig);
  for (const path of ['ResourceTypes', 'ResourceTypes/:id']) app.get(`${at}/${path}`, resourceTypes);
  for (const path of ['Schemas', 'Schemas/:id']) app.get(`${at}/${path}`, schemaList);
  app.get(`${at}/Users`, listUsers);
  app.post(`${at}/Users`, createUser);
  app.get(`${at}/Users/:id`, getUser);
  app.put(`${at}/Users/:id`, replaceUser);
  app.patch(`${at}/Users/:id`, patchUser);
  app.delete(`${at}/Users/:id`, deleteUser);
  app.get(`${at}/Groups`, listGroups);
  app.post(`${at}/Groups`, createGroup);
  app.get(`${at}/Groups/:id`, getGroup);
  app.put(`${at}/Groups/:id`, replaceGroup);
  app.patch(`${at}/Groups/:id`, patchGroup);
  app.delete(`${at}/Groups/:id`, deleteGroup);
  app.all(
    `${at}/*`,
    scimRoute(async () => refuseScim(404, 'There is no such thing in SCIM 2.0 here.')),
  );
}
