/** The relay contract on the Node host, plain and with TLS in front. */
import { randomFillSync } from 'node:crypto';
import { createIdentity } from '#node-agents/link/identity.ts';
import { createLog } from '#node-agents/process/log.ts';
import { startRelay } from '#node-agents/relay/relay.ts';
import { type RelayUnderTest, relayContract } from './relay.ts';

const limits = { handshakeMs: 1_000, sessionsPerConnector: 5 };
const skip = [{ test: 'hibernation' as const, reason: 'a Node process does not sleep' }];

async function newRelay(issuer: string, tls?: { cert: string; key: string }): Promise<RelayUnderTest> {
  const relay = await startRelay({
    listen: { host: '127.0.0.1', port: 0 },
    issuers: [new URL('/', issuer).origin],
    tls,
    limits,
    now: Date.now,
    random: (length) => randomFillSync(new Uint8Array(length)),
    log: createLog({ level: 'error' }),
  });
  return {
    url: relay.url,
    carriers: ['raw', 'websocket'],
    limits,
    revoke: async (names) => relay.exchange.revoke(names),
    drain: async () => relay.exchange.drain(500, 60_000),
    stop: relay.stop,
  };
}

relayContract({ name: 'Node', skip, newRelay: ({ issuer }) => newRelay(issuer) });

relayContract({
  name: 'Node with TLS',
  skip,
  async newRelay({ issuer }) {
    const { certificatePem: cert, privateKeyPem: key } = await createIdentity();
    return newRelay(issuer, { cert, key });
  },
});
