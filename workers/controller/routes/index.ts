/**
 * Where the routes of administrators join the app: each noun, each verb, and the document that describes
 * them.
 */
import type { Route } from '../admin-route.ts';
import type { Controller } from '../context.ts';
import { createApiToken } from './api-tokens/create.ts';
import { deleteApiToken } from './api-tokens/delete.ts';
import { getApiToken } from './api-tokens/get.ts';
import { listApiTokens } from './api-tokens/list.ts';
import { revokeApiToken } from './api-tokens/revoke.ts';
import { updateApiToken } from './api-tokens/update.ts';
import { listAudit } from './audit/list.ts';
import { createConnector } from './connectors/create.ts';
import { deleteConnector } from './connectors/delete.ts';
import { getConnector } from './connectors/get.ts';
import { listConnectors } from './connectors/list.ts';
import { renameConnector } from './connectors/rename.ts';
import { revokeConnector } from './connectors/revoke.ts';
import { rotateConnector } from './connectors/rotate.ts';
import { listEvents } from './events/list.ts';
import { explain } from './explain/get.ts';
import { createGrant } from './grants/create.ts';
import { deleteGrant } from './grants/delete.ts';
import { getGrant } from './grants/get.ts';
import { listGrants } from './grants/list.ts';
import { listInstances } from './instances/list.ts';
import { revokeInstance } from './instances/revoke.ts';
import { mountOpenApi } from './openapi.ts';
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
import { updateResource } from './resources/update.ts';
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
import { getTenant } from './tenant/get.ts';
import { updateTenant } from './tenant/update.ts';
import { createTenant } from './tenants/create.ts';
import { createTokenByOperator } from './tenants/create-token.ts';
import { listTenants } from './tenants/list.ts';
import { updateTenantByOperator } from './tenants/update.ts';

// biome-ignore format: one noun a line
const routes: readonly Route[] = [
  createRemoteNetwork, listRemoteNetworks, getRemoteNetwork, updateRemoteNetwork, deleteRemoteNetwork,
  createConnector, listConnectors, getConnector, renameConnector, rotateConnector, revokeConnector, deleteConnector,
  createResource, listResources, getResource, updateResource, deleteResource,
  createServiceAccount, listServiceAccounts, getServiceAccount, updateServiceAccount, deleteServiceAccount,
  createServiceKey, listServiceKeys, getServiceKey, renameServiceKey, revokeServiceKey, deleteServiceKey,
  listInstances, revokeInstance,
  createGrant, listGrants, getGrant, deleteGrant, explain,
  listEvents, listAudit,
  createApiToken, listApiTokens, getApiToken, updateApiToken, revokeApiToken, deleteApiToken,
  getTenant, updateTenant,
  createTenant, listTenants, updateTenantByOperator, createTokenByOperator,
  createRelay, listRelays, deleteRelay,
];

export function mountAdminRoutes(app: Controller): void {
  for (const route of routes) route.mount(app);
  mountOpenApi(app);
}
