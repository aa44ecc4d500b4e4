/**
 * Where the routes of administrators join the app: each noun, each verb, and the document that describes
 * them.
 */
import type { Hono } from 'hono';
import type { Env } from 'hono/types';
import type { Route } from '../admin-route.ts';
import type { Controller } from '../context.ts';
import { createApiToken } from './api-tokens/create.ts';
import { deleteApiToken } from './api-tokens/delete.ts';
import { getApiToken } from './api-tokens/get.ts';
import { listApiTokens } from './api-tokens/list.ts';
import { revokeApiToken } from './api-tokens/revoke.ts';
import { updateApiToken } from './api-tokens/update.ts';
import { exportAudit } from './audit/export.ts';
import { listAudit } from './audit/list.ts';
import { createConnector } from './connectors/create.ts';
import { deleteConnector } from './connectors/delete.ts';
import { getConnector } from './connectors/get.ts';
import { listConnectors } from './connectors/list.ts';
import { renameConnector } from './connectors/rename.ts';
import { revokeConnector } from './connectors/revoke.ts';
import { rotateConnector } from './connectors/rotate.ts';
import { listConsoleSessions } from './console-sessions/list.ts';
import { revokeConsoleSession } from './console-sessions/revoke.ts';
import { countEvents } from './events/count.ts';
import { exportEvents } from './events/export.ts';
import { listEvents } from './events/list.ts';
import { tailEvents } from './events/tail.ts';
import { explain } from './explain/get.ts';
import { probeDestination } from './explain/probe.ts';
import { createGrant } from './grants/create.ts';
import { deleteGrant } from './grants/delete.ts';
import { getGrant } from './grants/get.ts';
import { listGrants } from './grants/list.ts';
import { addGroupMember } from './groups/add-member.ts';
import { createGroup } from './groups/create.ts';
import { deleteGroup } from './groups/delete.ts';
import { getGroup } from './groups/get.ts';
import { listGroups } from './groups/list.ts';
import { removeGroupMember } from './groups/remove-member.ts';
import { updateGroup } from './groups/update.ts';
import { createIdentityProvider } from './identity-providers/create.ts';
import { deleteIdentityProvider } from './identity-providers/delete.ts';
import { getIdentityProvider } from './identity-providers/get.ts';
import { listIdentityProviders } from './identity-providers/list.ts';
import { updateIdentityProvider } from './identity-providers/update.ts';
import { listInstances } from './instances/list.ts';
import { revokeInstance } from './instances/revoke.ts';
import { mountOpenApi } from './openapi.ts';
import { getOverview } from './overview/get.ts';
import { createPolicy } from './policies/create.ts';
import { deletePolicy } from './policies/delete.ts';
import { getPolicy } from './policies/get.ts';
import { listPolicies } from './policies/list.ts';
import { updatePolicy } from './policies/update.ts';
import { createRelay } from './relays/create.ts';
import { deleteRelay } from './relays/delete.ts';
import { listRelays } from './relays/list.ts';
import { createRemoteNetwork } from './remote-networks/create.ts';
import { deleteRemoteNetwork } from './remote-networks/delete.ts';
import { getRemoteNetwork } from './remote-networks/get.ts';
import { listRemoteNetworks } from './remote-networks/list.ts';
import { updateRemoteNetwork } from './remote-networks/update.ts';
import { createResource } from './resources/create.ts';
import { deleteResource } from './resources/delete.ts';
import { getResource } from './resources/get.ts';
import { listResources } from './resources/list.ts';
import { previewOverlaps } from './resources/overlaps.ts';
import { updateResource } from './resources/update.ts';
import { createScimToken } from './scim-tokens/create.ts';
import { deleteScimToken } from './scim-tokens/delete.ts';
import { listScimTokens } from './scim-tokens/list.ts';
import { revokeScimToken } from './scim-tokens/revoke.ts';
import { createServiceAccount } from './service-accounts/create.ts';
import { deleteServiceAccount } from './service-accounts/delete.ts';
import { getServiceAccount } from './service-accounts/get.ts';
import { listServiceAccounts } from './service-accounts/list.ts';
import { updateServiceAccount } from './service-accounts/update.ts';
import { createServiceKey } from './service-keys/create.ts';
import { deleteServiceKey } from './service-keys/delete.ts';
import { getServiceKey } from './service-keys/get.ts';
import { listServiceKeys } from './service-keys/list.ts';
import { renameServiceKey } from './service-keys/rename.ts';
import { revokeServiceKey } from './service-keys/revoke.ts';
import { getSession } from './session/get.ts';
import { createSetupCode } from './setup/create-code.ts';
import { useSetupCode } from './setup/use-code.ts';
import { getTenant } from './tenant/get.ts';
import { updateTenant } from './tenant/update.ts';
import { createTenant } from './tenants/create.ts';
import { createTokenByOperator } from './tenants/create-token.ts';
import { listTenants } from './tenants/list.ts';
import { updateTenantByOperator } from './tenants/update.ts';
import { listUserSessions } from './user-sessions/list.ts';
import { revokeUserSession } from './user-sessions/revoke.ts';
import { createUser } from './users/create.ts';
import { deleteUser } from './users/delete.ts';
import { getUser } from './users/get.ts';
import { listUsers } from './users/list.ts';
import { updateUser } from './users/update.ts';

// biome-ignore format: one noun a line
const routes = [
  createRemoteNetwork, listRemoteNetworks, getRemoteNetwork, updateRemoteNetwork, deleteRemoteNetwork,
  createConnector, listConnectors, getConnector, renameConnector, rotateConnector, revokeConnector, deleteConnector,
  createResource, listResources, previewOverlaps, getResource, updateResource, deleteResource,
  createServiceAccount, listServiceAccounts, getServiceAccount, updateServiceAccount, deleteServiceAccount,
  createServiceKey, listServiceKeys, getServiceKey, renameServiceKey, revokeServiceKey, deleteServiceKey,
  listInstances, revokeInstance,
  createGrant, listGrants, getGrant, deleteGrant, explain, probeDestination,
  listEvents, tailEvents, countEvents, exportEvents, listAudit, exportAudit,
  createApiToken, listApiTokens, getApiToken, updateApiToken, revokeApiToken, deleteApiToken,
  getTenant, updateTenant, getOverview,
  createUser, listUsers, getUser, updateUser, deleteUser,
  createGroup, listGroups, getGroup, updateGroup, deleteGroup, addGroupMember, removeGroupMember,
  createPolicy, listPolicies, getPolicy, updatePolicy, deletePolicy,
  createIdentityProvider, listIdentityProviders, getIdentityProvider, updateIdentityProvider, deleteIdentityProvider,
  createScimToken, listScimTokens, revokeScimToken, deleteScimToken,
  getSession, listConsoleSessions, revokeConsoleSession, listUserSessions, revokeUserSession,
  createTenant, listTenants, updateTenantByOperator, createTokenByOperator,
  createSetupCode, useSetupCode,
  createRelay, listRelays, deleteRelay,
] as const satisfies readonly Route[];

/** The whole API as a type, for `hono/client`. */
export type Api = Hono<Env, Together<ShapeOf<(typeof routes)[number]>>, '/'>;
type ShapeOf<R> =
  R extends Route<infer Shape> ? (Shape extends unknown ? (shape: Shape) => void : never) : never;
type Together<U> = (U extends unknown ? U : never) extends (shape: infer All) => void ? All : never;

export function mountAdminRoutes(app: Controller): void {
  for (const route of routes) route.mount(app);
  mountOpenApi(app);
}
