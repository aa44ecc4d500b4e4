/**
 * Which Connectors a Client may meet: those of the Remote Networks in which something is granted to it. Asked
 * before a connection token is signed (`connections.ts`) and before an offer is passed on
 * (`control-channel/offers.ts`).
 */
import type { Id } from '#schema/ids.ts';
import type { Ports } from '../ports.ts';
import { compileForPrincipal } from './compile-acl.ts';
import { type Configuration, readConfiguration } from './read-configuration.ts';

export async function meetable(
  { database, clock, settings }: Ports,
  tenant: Id<'tenant'>,
  principal: string,
): Promise<Configuration['connectors']> {
  const configuration = await readConfiguration(database, tenant, { principals: [principal] }, clock());
  if (!configuration) return [];
  const networks = compileForPrincipal(configuration, principal, settings);
  return configuration.connectors.filter(({ remoteNetworkId }) => Object.hasOwn(networks, remoteNetworkId));
}
