/** The relay contract on the edge host: the real Durable Object in workerd, made to hibernate. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from 'miniflare';
import { bundle } from '#workers/local/bundle.ts';
import { workerdChildren } from '#workers/local/orphan.ts';
import { freePort } from '../world/free-port.ts';
import { relayContract } from './relay.ts';
import type { Names, Order } from './relay-edge-worker.ts';

const limits = { handshakeMs: 1_000, sessionsPerConnector: 5 };
const worker = 'relay';

relayContract({
  name: 'edge',
  skip: [],
  async newRelay({ issuer, jwks }) {
    const folder = await mkdtemp(join(tmpdir(), 'sallyport-relay-'));
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    process.env.MINIFLARE_WORKERD_V8_FLAGS = '--expose-gc';
    const miniflare = new Miniflare(
      convertV4MiniflareOptions({
        host: '127.0.0.1',
        port,
        cf: false,
        telemetry: { enabled: false },
        log: new Log(LogLevel.WARN),
        logRequests: false,
        resourcePersistencePath: join(folder, 'data'),
        resourceTmpPath: folder,
        name: worker,
        modules: true,
        script: await bundle('test/contract/relay-edge-worker.ts', folder),
        compatibilityDate: '2026-10-01',
        bindings: { URL: url, ISSUER: issuer, JWKS: JSON.stringify(jwks), LIMITS: limits },
        durableObjects: { RELAY: { className: 'Relay', useSQLite: true } },
      }),
    );
    await miniflare.ready;
    const seen = new Set<string>();
    const order = async (path: Order, connectors: Iterable<string>, names?: Names) => {
      const response = await fetch(url, {
        method: 'POST',
        body: JSON.stringify({ path, connectors: [...connectors], names }),
      });
      return (await response.json()) as { sessions: number; links: number }[];
    };
    return {
      url,
      carriers: ['websocket'],
      limits,
      onConnector: (hash) => void seen.add(hash),
      async revoke(names) {
        const all = await order('revoke', seen, names);
        const sum = (what: 'sessions' | 'links') => all.reduce((total, one) => total + one[what], 0);
        return { sessions: sum('sessions'), links: sum('links') };
      },
      async memory() {
        await order('collect', seen);
        const pages = await Promise.all(
          [...(await workerdChildren())].map((pid) => readFile(`/proc/${pid}/statm`, 'utf8')),
        );
        return pages.reduce((sum, text) => sum + Number(text.split(' ')[1]) * 4096, 0);
      },
      drain: async (connectors) => void (await order('drain', connectors)),
      hold: async (name) => void (await order('hold', [name])),
      release: async (name) => void (await order('release', [name])),
      evict: (name) => miniflare.unsafeEvictDurableObject(worker, 'Relay', { name, webSockets: 'hibernate' }),
      async stop() {
        await miniflare.dispose();
        await rm(folder, { recursive: true, force: true });
      },
    };
  },
});
