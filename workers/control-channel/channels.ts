/**
 * The Controller's side of the control channels (`Channels` of `controller/ports.ts`) over the Durable Objects
 * that hold them: which object holds whom, and asking several at once.
 */

import type { FromControllerOf } from '#schema/control/messages.ts';
import { tenants } from '#schema/db/tables.ts';
import type { Id } from '#schema/ids.ts';
import { describeFault } from '#workers/controller/describe-fault.ts';
import type { Channels, Ports, RevocationReceipt, VerifiedAgent } from '#workers/controller/ports.ts';
import type { ControlChannel } from './durable-object.ts';
import { agentHeader } from './seat.ts';

/** Objects per Tenant. Raising it moves agents to other objects, which costs each a snapshot. */
const shards = 4;
const relayObject = 'relays';
/** Milliseconds by which Connectors are ahead of relays and Clients with an order to cut, unless they are done before. */
const connectorsFirst = 250;
/** Objects asked at the same time when a message is for everybody. */
const abreast = 50;

/** @returns the name of the object that holds this agent's channel. */
export function objectOf(agent: Pick<VerifiedAgent, 'role' | 'id'> & { tenant?: Id<'tenant'> }): string {
  if (agent.role === 'relay') return relayObject;
  let hash = 0;
  for (const char of agent.id) hash = (hash * 31 + char.charCodeAt(0)) >>> 0;
  return nameOf(agent.tenant!, hash % shards);
}

export interface ChannelsContext extends Pick<Ports, 'database' | 'log'> {
  /** Cuts at the relay beside the Controller, which has no control channel. */
  cutAtEdge(tenant: Id<'tenant'>, order: FromControllerOf<'revoke'>): Promise<RevocationReceipt['agents']>;
}

export function createChannels(
  objects: DurableObjectNamespace<ControlChannel>,
  { database, log, cutAtEdge }: ChannelsContext,
): Channels {
  const object = (name: string) => objects.getByName(name);
  const ofTenant = (tenant: Id<'tenant'>) =>
    Array.from({ length: shards }, (_, shard) => object(nameOf(tenant, shard)));

  return {
    async configurationChanged(tenant) {
      // Clients first: when a floor makes their ACLs void at the Connectors, they already hold new ones.
      await Promise.all(ofTenant(tenant).map((one) => one.refresh('client')));
      await Promise.all(ofTenant(tenant).map((one) => one.refresh('connector')));
    },

    async revoke(tenant, order, timeoutMs) {
      const answered = <T>(asked: Promise<T>): Promise<T | undefined> =>
        asked.catch((error) => {
          const { revocation } = order;
          log('error', 'revocation_shard_failed', { tenant, revocation, error: describeFault(error) });
          return undefined;
        });
      // They alone know what they cut. Were a relay or a Client to end it first, they would see a peer that is gone.
      const byConnectors = Promise.all(ofTenant(tenant).map((one) => answered(one.cut(order, timeoutMs))));
      await within(byConnectors, connectorsFirst);
      // A relay knows nobody by these, and need not learn who there is.
      const toRelays = { ...order, keys: [], instances: [], principals: [] };
      const byRelays = [
        answered(object(relayObject).cut(toRelays, timeoutMs)),
        answered(cutAtEdge(tenant, order)),
      ];
      const dismissed = ofTenant(tenant).map((one) => answered(one.dismiss(order).then(() => [])));
      const answers = [...(await byConnectors), ...(await Promise.all([...byRelays, ...dismissed]))];
      const agents = answers.flatMap((answer) => answer ?? []);
      const complete = answers.every(Boolean) && agents.every(({ confirmed }) => confirmed);
      return { agents, complete };
    },

    async open(request, agent) {
      const headers = new Headers(request.headers);
      headers.set(agentHeader, JSON.stringify(agent));
      return object(objectOf(agent)).fetch(new Request(request, { headers }));
    },

    async passOffer(tenant, connector, instance, message) {
      const holder = object(objectOf({ role: 'connector', id: connector, tenant }));
      return holder.passOffer({ connector, instance }, message);
    },

    async passAnswer(tenant, instance, message) {
      await object(objectOf({ role: 'client', id: instance, tenant })).passAnswer(instance, message);
    },

    async probe(tenant, connector, message, timeoutMs) {
      const holder = object(objectOf({ role: 'connector', id: connector, tenant }));
      return holder.probe(connector, message, timeoutMs);
    },

    async present(tenant) {
      return (await Promise.all(ofTenant(tenant).map((one) => one.present()))).flat();
    },

    async relaysChanged() {
      const rows = await database.select({ id: tenants.id }).from(tenants);
      const all = [object(relayObject), ...rows.flatMap(({ id }) => ofTenant(id))];
      for (let at = 0; at < all.length; at += abreast) {
        await Promise.all(all.slice(at, at + abreast).map((one) => one.relaysChanged()));
      }
    },
  };
}

const nameOf = (tenant: Id<'tenant'>, shard: number): string => `tenant:${tenant}:${shard}`;

/** Resolves with the work, or after that many milliseconds without it. */
function within(work: Promise<unknown>, ms: number): Promise<void> {
  return new Promise((done) => {
    const timer = setTimeout(done, ms);
    void work.finally(() => {
      clearTimeout(timer);
      done();
    });
  });
}
