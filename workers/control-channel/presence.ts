/**
 * Who holds a channel, written down where administrators look: the rows of Connectors, instances and relays.
 * The object remembers whom it has marked as connected, because nobody tells it when a deployment or a crash
 * drops its sockets: when it wakes, those marked without a socket are marked as gone.
 */
import { eq } from 'drizzle-orm';
import type { FromAgent } from '#schema/control/messages.ts';
import { connectors, instances, relays } from '#schema/db/tables.ts';
import type { Id } from '#schema/ids.ts';
import type { Ports, VerifiedAgent } from '#workers/controller/ports.ts';
import { scopeOf } from '#workers/controller/scope.ts';

type Hello = Extract<FromAgent, { type: 'hello' }>;
type Marked = Pick<VerifiedAgent, 'role' | 'id'> & { tenant?: Id<'tenant'> };

const mark = (id: string) => `present:${id}`;

export class PresenceBook {
  readonly #storage: DurableObjectStorage;
  readonly #ports: Ports;

  constructor(storage: DurableObjectStorage, ports: Ports) {
    this.#storage = storage;
    this.#ports = ports;
  }

  /** @param isNews Clients are told of the Connector from now on. */
  async opened(agent: VerifiedAgent, since: number, hello: Hello, isNews: boolean): Promise<void> {
    const { role, id } = agent;
    const marked: Marked = agent.role === 'relay' ? { role, id } : { role, id, tenant: agent.tenant };
    this.#storage.kv.put(mark(id), marked);
    const { database } = this.#ports;
    const seen = { connectedAt: since, disconnectedAt: null };
    if (agent.role === 'relay') {
      await database.update(relays).set(seen).where(eq(relays.id, agent.id));
      return;
    }
    const scope = scopeOf(database, agent.tenant);
    const told = { version: hello.version, publicAddress: agent.address };
    const hostname = hello.hostname === undefined ? {} : { hostname: hello.hostname };
    if (agent.role === 'client') {
      await scope.update(instances, { ...seen, ...told, ...hostname }, eq(instances.id, agent.id));
      return;
    }
    const labels = hello.labels === undefined ? {} : { labels: hello.labels };
    const { capability } = hello;
    const update = scope.update(
      connectors,
      { ...seen, silent: null, ...told, ...hostname, ...labels, capability },
      eq(connectors.id, agent.id),
    );
    await scope.batch(isNews ? [update, scope.raiseVersion()] : [update]);
  }

  /** It said hello and was refused for its age: its row says which version it is. */
  async tooOld(agent: VerifiedAgent, { version, capability }: Hello): Promise<void> {
    if (agent.role !== 'connector') return;
    const { database, clock } = this.#ports;
    const told = { version, capability, disconnectedAt: clock(), silent: null };
    await scopeOf(database, agent.tenant).update(connectors, told, eq(connectors.id, agent.id));
  }

  /** @param silentSince where it was given up; milliseconds since the epoch. */
  async closed(agent: Marked, silentSince?: number): Promise<void> {
    if (this.#storage.kv.get(mark(agent.id)) === undefined) return;
    this.#storage.kv.delete(mark(agent.id));
    const { database, clock } = this.#ports;
    const gone = { disconnectedAt: silentSince ?? clock() };
    if (agent.role === 'relay') {
      await database
        .update(relays)
        .set(gone)
        .where(eq(relays.id, agent.id as Id<'relay'>));
    } else if (agent.role === 'connector') {
      await scopeOf(database, agent.tenant!).update(
        connectors,
        { ...gone, silent: silentSince !== undefined },
        eq(connectors.id, agent.id as Id<'connector'>),
      );
    } else {
      await scopeOf(database, agent.tenant!).update(
        instances,
        gone,
        eq(instances.id, agent.id as Id<'instance'>),
      );
    }
  }

  /** Marks as gone whoever is marked as present and is not. */
  async heal(present: ReadonlySet<string>): Promise<void> {
    const marked = [...this.#storage.kv.list<Marked>({ prefix: 'present:' })].map(([, agent]) => agent);
    for (const agent of marked) if (!present.has(agent.id)) await this.closed(agent);
  }
}
