/**
 * Interception alone: transparent mode as the Client has it (`node-agents/client/tun`), with sockets of this
 * host behind it in place of a tunnel. A process of its own. Prints `{"event":"ready"}`.
 *
 *   node interceptor.ts <address that is intercepted>
 */
import type { Socket as DatagramSocket } from 'node:dgram';
import { EventEmitter, once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Acls } from '#node-agents/client/acl.ts';
import type { FlowRequest, Opening } from '#node-agents/client/opening.ts';
import { Transparent } from '#node-agents/client/tun/transparent.ts';
import { Associations } from '#node-agents/client/udp/associations.ts';
import type { DatagramLine } from '#node-agents/client/udp/line.ts';
import { codeOfSocketError } from '#node-agents/link/socket-error.ts';
import { connectMarked, createMarkedUdp } from '#node-agents/os/marked-socket.ts';
import { createLog } from '#node-agents/process/log.ts';
import type { ErrorCode } from '#schema/errors.ts';
import type { Claims } from '#schema/token/claims.ts';

const address = process.argv[2]!;
const resource = { id: 'res_bench', address, tcp: 'all', udp: 'all', icmp: false } as const;
// Its tunnels would look at more of it; here none are opened.
const claims = { acl: { resources: [resource] } } as unknown as Claims<'clientAcl'>;
const acls = new Acls(1, new Map([['bench', { claims, signed: '', connectors: [] }]]));
const connection = 'cnx_bench';
const monotonic = () => performance.now();

const transparent = await Transparent.start({
  tenant: 'https://bench.example',
  access: () => ({ acls, tunnels: undefined as never, renewAcl: async () => {} }),
  open: openTcp,
  associations: new Associations({ open: openUdp, now: monotonic }),
  exempt: () => new Set(),
  stateDir: mkdtempSync(join(tmpdir(), 'sallyport-state-')),
  refused: () => {},
  ...{ ipv6: false, gateway: [], dnsListen: [], dns: 'off', monotonic },
  nowMs: Date.now,
  now: Date.now,
  random: (length) => crypto.getRandomValues(new Uint8Array(length)),
  log: createLog({ level: 'warn' }),
});
process.on('SIGTERM', () => void transparent.close().then(() => process.exit()));
process.stdout.write('{"event":"ready"}\n');

async function openTcp({ destination: { host, port } }: FlowRequest): Promise<Opening> {
  const stream = connectMarked({ address: host, port: port! });
  try {
    await once(stream, 'connect');
    return { ok: true, connection, stream };
  } catch (error) {
    return { ok: false, connection, code: codeOfSocketError(error as Error) };
  }
}

async function openUdp({ destination: { host, port } }: FlowRequest): Promise<Opening<DatagramLine>> {
  const socket = createMarkedUdp(4);
  await new Promise<void>((resolve) => socket.connect(port!, host, resolve));
  return { ok: true, connection, stream: new Line(socket) };
}

class Line extends EventEmitter<{ close: [] }> implements DatagramLine {
  readonly #socket: DatagramSocket;
  code: ErrorCode | undefined;
  destroyed = false;

  constructor(socket: DatagramSocket) {
    super();
    this.#socket = socket.on('error', (error) => this.reset(codeOfSocketError(error)));
  }

  sendDatagram(bytes: Uint8Array): boolean {
    this.#socket.send(bytes);
    return true;
  }

  takeDatagrams(take: (bytes: Uint8Array) => void): void {
    this.#socket.on('message', take);
  }

  reset(code: ErrorCode): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.code = code;
    this.#socket.close();
    this.emit('close');
  }
}
