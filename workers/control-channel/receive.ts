/**
 * What an agent says over its control channel, and what is done about it. Comes after `durable-object.ts` has
 * parsed the message; what the agent is told in turn comes from `update.ts`.
 */
import { and, eq, isNotNull, isNull } from 'drizzle-orm';
import type { FromAgent, RelayLink } from '#schema/control/messages.ts';
import { capability, minimumCapability } from '#schema/control/messages.ts';
import { connectors, relays } from '#schema/db/tables.ts';
import type { Id } from '#schema/ids.ts';
import { clockTolerance, tokenKinds } from '#schema/token/kinds.ts';
import { relayList } from '#workers/controller/agents/compile-acl.ts';
import { connectorsRevokedSince } from '#workers/controller/deployment.ts';
import type { Ports, VerifiedAgent } from '#workers/controller/ports.ts';
import { scopeOf } from '#workers/controller/scope.ts';
import type { ClientEvents } from './client-events.ts';
import { type OfferContext, takeAnswer, takeOffer } from './offers.ts';
import type { PresenceBook } from './presence.ts';
import type { Probes } from './probes.ts';
import type { Receipts } from './receipts.ts';
import { changeSeat, refuseSeat, seatOf, tell } from './seat.ts';
import { storeEvents } from './store-events.ts';
import type { Turns } from './turns.ts';
import type { Updates } from './update.ts';

export interface ReceiveContext extends OfferContext {
  updates: Updates;
  presence: PresenceBook;
  receipts: Receipts;
  probes: Probes;
  clientEvents: ClientEvents;
  turns: Turns;
}

type Of<T extends FromAgent['type']> = Extract<FromAgent, { type: T }>;

/** An agent that asks for everything anew is heard this often; milliseconds. */
const renewEveryMs = 1_000;
/** A Connector changes its weight so often: each time all its Clients are told. An honest one is slower yet. */
const weighEveryMs = 5_000;

export async function receive(context: ReceiveContext, socket: WebSocket, message: FromAgent): Promise<void> {
  const { ports, updates, receipts } = context;
  const { agent, greeted, renewedAt } = seatOf(socket);
  if (message.type === 'hello') return greet(context, socket, message);
  if (!greeted) return refuseSeat(socket, 'protocol_error', 'hello comes first');
  if (message.type === 'receipt') return receipts.take(socket, message);
  if (agent.role === 'relay') return;
  switch (message.type) {
    case 'ack':
      changeSeat(socket, { acked: message.version });
      return;
    case 'relays':
      return context.turns.take(agent.id, () => noteStanding(ports, socket, message));
    case 'events':
      if (agent.role === 'client') await context.clientEvents.store(agent, message.events);
      else await storeEvents(ports.database, agent, message.events, ports.clock());
      tell(socket, { type: 'events_stored', batch: message.batch });
      return;
    case 'renew':
      if (ports.clock() - (renewedAt ?? 0) < renewEveryMs) return;
      changeSeat(socket, { renewedAt: ports.clock() });
      return updates.update([socket], 'renew');
    case 'offer':
      return agent.role === 'client' ? takeOffer(context, socket, agent, message) : undefined;
    case 'answer':
      return agent.role === 'connector' ? takeAnswer(context, agent, message) : undefined;
    case 'probed':
      return agent.role === 'connector' ? context.probes.take(agent.id, message) : undefined;
  }
}

async function greet(
  { ports, updates, presence }: ReceiveContext,
  socket: WebSocket,
  hello: Of<'hello'>,
): Promise<void> {
  if (hello.capability < minimumCapability) {
    await presence.tooOld(seatOf(socket).agent, hello);
    return refuseSeat(socket, 'version_unsupported', `capability ${hello.capability} < ${minimumCapability}`);
  }
  const { agent, since } = changeSeat(socket, {
    greeted: true,
    capability: hello.capability,
    ...(hello.acl_version !== undefined && { sent: hello.acl_version, acked: hello.acl_version }),
  });
  const wasAway = agent.role === 'connector' && (await isNews(ports, agent));
  const [list] = await Promise.all([listRelays(ports), presence.opened(agent, since, hello, wasAway)]);
  tell(socket, { type: 'welcome', capability, now: ports.clock(), relays: list });
  if (agent.role === 'relay') {
    await tellRevoked(ports, socket);
    return refuseDeadRelay(ports, socket);
  }
  await updates.update([socket], 'greet');
  if (wasAway) ports.defer(ports.channels.configurationChanged(agent.tenant));
}

/** Whether Clients are not shown this Connector yet: they learn of it when it has come. */
async function isNews(ports: Ports, agent: Extract<VerifiedAgent, { role: 'connector' }>): Promise<boolean> {
  const row = await scopeOf(ports.database, agent.tenant).find(connectors, eq(connectors.id, agent.id));
  return row !== undefined && (row.connectedAt === null || row.disconnectedAt !== null);
}

/** Where the Connector can be met, and how much of the load it takes, is part of what Clients are told. */
async function noteStanding(
  ports: Ports,
  socket: WebSocket,
  { links, weight: asked }: Of<'relays'>,
): Promise<void> {
  const { agent } = seatOf(socket);
  if (agent.role !== 'connector') return;
  const weight = weigh(socket, asked, ports.clock()) ?? null;
  const scope = scopeOf(ports.database, agent.tenant);
  const row = await scope.find(connectors, eq(connectors.id, agent.id));
  if (!row) return;
  const reweighed = weight !== row.weight;
  if (!reweighed && JSON.stringify(row.relays) === JSON.stringify(links)) return;
  const update = scope.update(connectors, { relays: links, weight }, eq(connectors.id, agent.id));
  if (!reweighed && connectedTo(row.relays ?? []) === connectedTo(links)) return void (await update);
  await scope.batch([update, scope.raiseVersion()]);
  ports.defer(ports.channels.configurationChanged(agent.tenant));
}

/** @returns the weight that counts: what was asked for, unless that changes too often. */
function weigh(socket: WebSocket, asked: number | undefined, now: number): number | undefined {
  const { weight, weighedAt } = seatOf(socket);
  if (asked === weight || (weighedAt !== undefined && now - weighedAt < weighEveryMs)) return weight;
  changeSeat(socket, { weight: asked, weighedAt: now });
  return asked;
}

const connectedTo = (links: RelayLink[]): string =>
  links
    .filter(({ state }) => state === 'connected')
    .map(({ relay }) => relay)
    .sort()
    .join();

/**
 * A relay remembers what was revoked for as long as it runs, and hears of it while it is connected. So when it
 * comes, it is told of the Connectors whose registrations could still be shown to it: a Client that is revoked
 * is refused by the Connectors, but for these there is nobody else.
 */
async function tellRevoked({ database, clock }: Ports, socket: WebSocket): Promise<void> {
  const life = tokenKinds.registration.lifetime + clockTolerance;
  for (const { id, subject } of await connectorsRevokedSince(database, clock() - life * 1000)) {
    const named = { connectors: subject['connectors'] ?? [], jkts: subject['jkts'] ?? [] };
    tell(socket, { type: 'revoke', revocation: id, keys: [], instances: [], principals: [], ...named });
  }
}

export async function listRelays({ database, settings }: Ports) {
  const rows = await database
    .select()
    .from(relays)
    .where(and(isNotNull(relays.enrolledAt), isNull(relays.revokedAt)));
  return relayList({ relays: rows }, settings);
}

/** Ends the channel of a relay that was removed, perhaps between its login and now. */
export async function refuseDeadRelay({ database }: Ports, socket: WebSocket): Promise<void> {
  const { agent } = seatOf(socket);
  const [row] = await database
    .select()
    .from(relays)
    .where(eq(relays.id, agent.id as Id<'relay'>));
  if (!row || row.revokedAt !== null) refuseSeat(socket, 'relay_revoked');
}
