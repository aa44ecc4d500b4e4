/**
 * Tells agents what their ACLs have become. One round reads the configuration once for all agents that wait,
 * ends the channels whose credential no longer stands, lets the ledgers note what changed, and sends each
 * agent the difference to what it holds. Rounds run one after the other, so that an agent never gets an older
 * state after a newer one; whoever asks while one runs waits for the next, together with all others who ask.
 */
import type { ErrorCode } from '#schema/errors.ts';
import { type Id, isId } from '#schema/ids.ts';
import { nextExpiry } from '#workers/controller/agents/compile-acl.ts';
import { signerOf } from '#workers/controller/agents/issue.ts';
import type { Configuration } from '#workers/controller/agents/read-configuration.ts';
import type { Ports, VerifiedAgent } from '#workers/controller/ports.ts';
import type { LedgerStore } from './ledger-store.ts';
import { readAndNote } from './note-changes.ts';
import { isOpen, refuseSeat, type Seat, seatOf } from './seat.ts';
import { tellClient } from './tell-client.ts';
import { tellConnector } from './tell-connector.ts';

/** `push`: only if something changed. `greet`: in any case. `renew`: with everything that has a life signed anew. */
export type Mode = 'push' | 'greet' | 'renew';

type TenantAgent = Exclude<VerifiedAgent, { role: 'relay' }>;
export type TenantSeat<A extends TenantAgent = TenantAgent> = Seat & { agent: A };
export type ClientAgent = Extract<TenantAgent, { role: 'client' }>;
export type ConnectorAgent = Extract<TenantAgent, { role: 'connector' }>;

interface Job {
  socket: WebSocket;
  seat: TenantSeat;
  mode: Mode;
}

/** What the rounds need of the object. */
export interface UpdateContext {
  ports: Ports;
  tenant: () => Id<'tenant'>;
  storage: DurableObjectStorage;
  ledgers: LedgerStore;
}

/** Agents that are signed for at the same time. */
const abreast = 32;
const strength: readonly Mode[] = ['push', 'greet', 'renew'];

export class Updates {
  readonly #context: UpdateContext;
  #waiting = new Map<WebSocket, Mode>();
  #current: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;

  constructor(context: UpdateContext) {
    this.#context = context;
  }

  /** Resolves when these have been sent whatever was true at the time of the call, or later. */
  update(sockets: Iterable<WebSocket>, mode: Mode): Promise<void> {
    for (const socket of sockets) {
      const stronger = strength.indexOf(this.#waiting.get(socket) ?? 'push') > strength.indexOf(mode);
      if (!stronger) this.#waiting.set(socket, mode);
    }
    this.#next ??= this.#current
      .catch(() => {})
      .then(() => {
        this.#current = this.#next!;
        this.#next = undefined;
        const waiting = this.#waiting;
        this.#waiting = new Map();
        return runRound(this.#context, waiting);
      });
    return this.#next;
  }
}

async function runRound(context: UpdateContext, waiting: ReadonlyMap<WebSocket, Mode>): Promise<void> {
  const { ports, ledgers, storage } = context;
  const asked = [...waiting]
    .filter(([socket]) => isOpen(socket))
    .map(([socket, mode]): Job => ({ socket, mode, seat: seatOf(socket) as TenantSeat }))
    .filter(({ seat }) => seat.greeted);
  if (asked.length === 0) return;
  const agents = asked.map(({ seat }) => seat.agent);
  const clients = agents.filter((agent) => agent.role === 'client');
  const wanted = {
    principals: distinct(clients.map(({ principal }) => principal)),
    keys: distinct(clients.map(({ key }) => key)),
    instances: distinct(clients.map(({ id }) => id)),
    networks: distinct(agents.filter((agent) => agent.role === 'connector').map(({ network }) => network)),
  };
  const noted = await readAndNote(context, wanted, distinct(agents.map(subjectOf)));
  const jobs = asked.filter(({ socket, seat }) => {
    const dead = noted ? deadBecause(noted.configuration, seat.agent) : 'tenant_unknown';
    if (dead) refuseSeat(socket, dead);
    return !dead;
  });
  if (!noted || jobs.length === 0) return;

  await planAlarm(storage, nextExpiry(noted.configuration));
  const round = { ...noted, signer: await signerOf(ports, noted.configuration.tenant) };
  for (let at = 0; at < jobs.length; at += abreast) {
    await Promise.all(
      jobs.slice(at, at + abreast).map(({ socket, seat, mode }) => {
        const ledger = noted.ledgers.get(subjectOf(seat.agent));
        return seat.agent.role === 'client'
          ? tellClient(round, ledger as never, { socket, seat: seat as TenantSeat<ClientAgent>, mode })
          : tellConnector(round, ledger as never, { socket, seat: seat as TenantSeat<ConnectorAgent>, mode });
      }),
    );
  }
  ledgers.prune(noted.ledgers.keys(), noted.configuration.now);
}

/**
 * Agents with one subject are told the same: the instances of a Service Account, those of one session of a
 * person, the Connectors of a Remote Network.
 */
const subjectOf = (agent: TenantAgent): string => {
  if (agent.role === 'connector') return agent.network;
  return isId('userSession', agent.key) ? agent.key : agent.principal;
};

function deadBecause(
  { keys, sessions, instances, connectors, now }: Configuration,
  agent: TenantAgent,
): ErrorCode | undefined {
  if (agent.role === 'connector') {
    const row = connectors.find(({ id }) => id === agent.id);
    return row?.hash === agent.hash ? undefined : 'connector_revoked';
  }
  const person = sessions.get(agent.key);
  if (person && !person.active) return 'user_inactive';
  const key = keys.get(agent.key as Id<'serviceKey'>) ?? person?.session;
  if (!key) return 'credential_unknown';
  if (key.revokedAt !== null) return person ? 'session_ended' : 'key_revoked';
  if (key.expiresAt !== null && key.expiresAt <= now) return person ? 'session_ended' : 'key_expired';
  const instance = instances.get(agent.id);
  return instance && instance.revokedAt === null ? undefined : 'credential_rejected';
}

/** The alarm wakes the object when something runs out, were it asleep by then. */
async function planAlarm(storage: DurableObjectStorage, at: number | undefined): Promise<void> {
  if (at === undefined) return;
  const planned = await storage.getAlarm();
  if (planned === null || at < planned) await storage.setAlarm(at);
}

const distinct = <T>(list: readonly T[]): T[] => [...new Set(list)];
