/**
 * Which agents of the Tenant hold a control channel now, for the routes that show how an agent stands.
 */
import { instances } from '#schema/db/tables.ts';
import type { Ports, Presence } from './ports.ts';
import { among, type Scope } from './scope.ts';

interface Here {
  ports: Ports;
  scope: Scope;
}

export async function presentAgents(
  { ports, scope }: Here,
  role: Presence['role'],
): Promise<Map<string, Presence>> {
  const present = await ports.channels.present(scope.tenantId);
  return new Map(present.filter((agent) => agent.role === role).map((agent) => [agent.id, agent]));
}

/** How many running Clients each Service Key has at this moment; a key without one is absent. */
export async function liveByKey(here: Here): Promise<Map<string, number>> {
  const present = await presentAgents(here, 'client');
  if (present.size === 0) return new Map();
  return here.scope.countBy(instances, instances.keyId, among(instances.id, [...present.keys()]));
}
