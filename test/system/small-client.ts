/**
 * A Client of a few lines, for tests of what a Connector does: logs in with a Service Key, opens tunnels and
 * flows, and never renews anything by itself, so that a test decides what it still holds.
 */

import { ControllerClock } from '#node-agents/link/clock.ts';
import { ControllerClient } from '#node-agents/link/controller.ts';
import { createIdentity, type Identity, identityOf } from '#node-agents/link/identity.ts';
import { connectPinned } from '#node-agents/link/pinned-tls.ts';
import { connectThrough } from '#node-agents/link/relay/meet.ts';
import { ClientTunnel } from '#node-agents/link/tunnel/client.ts';
import type { Flow } from '#node-agents/link/tunnel/flow.ts';
import { createLog } from '#node-agents/process/log.ts';
import type { TokenAnswer } from '#schema/control/login.ts';
import type { ServiceKeyFile } from '#schema/control/service-key.ts';
import { type ConnectorHash, mintId } from '#schema/ids.ts';

const log = createLog({ level: 'error' });
const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));

export class SmallClient {
  readonly #controller: ControllerClient;
  readonly #clock: ControllerClock;
  readonly #identity: Identity;
  readonly #key: ServiceKeyFile;
  answer!: TokenAnswer;

  private constructor(key: ServiceKeyFile, identity: Identity) {
    this.#key = key;
    this.#identity = identity;
    this.#clock = new ControllerClock(Date.now);
    this.#controller = new ControllerClient({ url: key.network, identity, clock: this.#clock, log, random });
  }

  static async login(file: Record<string, unknown>): Promise<SmallClient> {
    const client = new SmallClient(file as unknown as ServiceKeyFile, await createIdentity());
    await client.login();
    return client;
  }

  async login(): Promise<void> {
    const { cryptoKey: assertionKey } = await identityOf(this.#key.private_key);
    this.answer = await this.#controller.login({ subject: this.#key.key_id, assertionKey });
  }

  /** The signed ACL of the one Remote Network. */
  acl(network: string): string {
    return this.answer.client!.networks[network]!.acl;
  }

  async tunnel(network: string, acl = this.acl(network)): Promise<ClientTunnel> {
    const { hash } = this.answer.client!.networks[network]!.connectors[0]!;
    const tokens = await this.#controller.connections([hash]);
    const identity = this.#identity;
    const { stream } = await connectThrough({
      relays: this.answer.relays,
      connectionToken: tokens[hash]!,
      identity,
      clock: this.#clock,
      random,
    });
    const connectorHash = hash as ConnectorHash;
    const socket = await connectPinned(stream, { identity, connectorHash, timeoutMs: 5_000 });
    return ClientTunnel.open(socket, {
      connectionToken: tokens[hash]!,
      acl,
      log,
      now: () => performance.now(),
    });
  }
}

export const newConnectionId = () => mintId('connection', random(16));

export function openFlow(
  tunnel: ClientTunnel,
  host: string,
  port: number,
  connectionId: string = newConnectionId(),
): Flow {
  return tunnel.openFlow({
    connectionId,
    destination: { protocol: 'tcp', host, port },
    clientAddress: '192.0.2.1',
  });
}

/** `opened`, or the code of the refusal. */
export const outcome = (flow: Flow): Promise<string> =>
  flow.opened.then(
    () => 'opened',
    (error) => error.code,
  );

/** Why a flow that was open has ended; undefined after an orderly end. */
export async function endOf(flow: Flow): Promise<string | undefined> {
  flow.resume();
  // `once` would reject with the error that a reset is.
  if (!flow.closed) await new Promise<void>((done) => flow.once('close', () => done()));
  return flow.code;
}
