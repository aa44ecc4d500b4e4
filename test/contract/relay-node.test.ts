/** The relay contract on the Node host. */
import { randomFillSync } from 'node:crypto';
import { createLog } from '#node-agents/process/log.ts';
import { startRelay } from '#node-agents/relay/relay.ts';
import { relayContract } from './relay.ts';

const limits = { handshakeMs: 1_000, sessionsPerConnector: 5 };

relayContract({
  name: 'Node',
  skip: [{ test: 'hibernation', reason: 'a Node process does not sleep' }],
  async newRelay({ issuer }) {
    const relay = await startRelay({
      listen: { host: '127.0.0.1', port: 0 },
      issuers: [new URL('/', issuer).origin],
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
  },
});
