/**
 * Where the relay contract plays: the relay under test, a Tenant, and the moves that every scene is made of.
 */
import { createHash, randomBytes } from 'node:crypto';
import { expect } from 'vitest';
import { type ErrorCode, wireOf } from '#schema/errors.ts';
import {
  type Carrier,
  credentials,
  type Headers,
  type Key,
  knock,
  newTenant,
  Refused,
  RegisterLink,
  type Tenant,
} from './relay-parties.ts';
import type { Stream } from './relay-stream.ts';

export interface RelayUnderTest {
  /** Public URL, without a final slash. */
  url: string;
  carriers: Carrier[];
  limits: { handshakeMs: number; sessionsPerConnector: number };
  /** Told of each Connector that registers. */
  onConnector?: (hash: string) => void;
  revoke(names: { jkts: string[]; connectors: string[] }): Promise<{ sessions: number; links: number }>;
  drain(connectors: string[]): Promise<void>;
  /** Resident bytes of the process that hosts it, where it is one of its own, without what nobody needs any more. */
  memory?: () => Promise<number>;
  /** From `hold` to `release` it comes to nothing that is sent to it; absent where it never waits for anything. */
  hold?: (connector: string) => Promise<void>;
  release?: (connector: string) => Promise<void>;
  /** Makes it forget whatever is not kept; absent where nothing ever sleeps. */
  evict?: (connector: string) => Promise<void>;
  stop(): Promise<void>;
}

export interface RelaySuite {
  name: string;
  newRelay(tenant: Tenant): Promise<RelayUnderTest>;
  skip: { test: 'hibernation'; reason: string }[];
}

/** Arrow functions throughout, so that scenes can take them out of the stage. */
export class Stage {
  readonly suite: RelaySuite;
  tenant!: Tenant;
  relay!: RelayUnderTest;

  constructor(suite: RelaySuite) {
    this.suite = suite;
  }

  async open(): Promise<void> {
    this.tenant = await newTenant();
    this.relay = await this.suite.newRelay(this.tenant);
  }

  async close(): Promise<void> {
    await this.relay?.stop();
    this.tenant?.stop();
  }

  readonly register = (key: Key): Promise<RegisterLink> => {
    this.relay.onConnector?.(key.hash);
    return RegisterLink.open(this.relay.url, this.tenant, key);
  };

  readonly connectHeaders = async (hash: string, client: Key, token?: string): Promise<Headers> =>
    credentials(
      this.relay.url,
      'connect',
      client,
      token ?? (await this.tenant.connectionToken(hash, client.jkt)),
    );

  readonly connectWith = (headers: Headers): Promise<Stream> =>
    knock(this.relay.url, 'connect', 'websocket', headers);

  readonly pair = async (
    link: RegisterLink,
    client: Key,
    carriers: [Carrier, Carrier],
  ): Promise<[Stream, Stream]> => {
    const session = link.nextIncoming();
    const headers = await this.connectHeaders(link.key.hash, client);
    const waiting = knock(this.relay.url, 'connect', carriers[0], headers);
    const accepted = await link.accept(await session, carriers[1]);
    return [await waiting, accepted];
  };

  readonly anyCarrier = (): [Carrier, Carrier] => [this.relay.carriers[0]!, this.relay.carriers[0]!];
}

/** What the relay answered. */
export async function refusal(work: Promise<unknown>): Promise<{ status: number; code: string }> {
  const error = await work.then(
    () => new Error('it was let in'),
    (e) => e,
  );
  if (!(error instanceof Refused)) throw error;
  expect(error.type).toBe('application/problem+json');
  return { status: error.status, code: error.code };
}

export const closeOf = (code: ErrorCode): string => String(4000 + wireOf(code));

/** As much as two agents would ever have under way to each other, by the windows of their tunnel. */
const windowBytes = 8 * 1024 * 1024;

/** Sends megabytes and compares checksums. */
export async function carries(from: Stream, to: Stream, megabytes = 50): Promise<void> {
  const before = to.total;
  const received = createHash('sha256');
  const sent = createHash('sha256');
  const whole = megabytes * 1024 * 1024;
  const sending = (async () => {
    for (let i = 0; i < megabytes * 4; i++) {
      const chunk = randomBytes(256 * 1024);
      sent.update(chunk);
      await to.until(() => i * chunk.length - (to.total - before) < windowBytes);
      await from.write(chunk);
    }
  })();
  while (to.total - before < whole) {
    await to.until(() => to.unread > 0);
    received.update(to.readAll());
    if (to.total - before >= whole && to.unread === 0) break;
  }
  received.update(to.readAll());
  await sending;
  expect(to.total - before).toBe(whole);
  expect(received.digest('hex')).toBe(sent.digest('hex'));
}

/** Resolves when a counter has not moved for a second. */
export async function settled(counter: () => number): Promise<'held up'> {
  for (let last = -1; last !== counter(); ) {
    last = counter();
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
  return 'held up';
}
