/**
 * The resolver of a private network, on loopback unless told otherwise, by UDP and TCP: answers for the names
 * it is given and NXDOMAIN for everything else. Only a Connector that is told of it (`SALLYPORT_DNS`) can
 * resolve those names.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, isIPv6, type Server } from 'node:net';
import {
  AUTHORITATIVE_ANSWER,
  type Answer as DnsAnswer,
  decode,
  encode,
  type Packet,
  streamDecode,
  streamEncode,
  TRUNCATED_RESPONSE,
} from 'dns-packet';

const nxdomain = 3;
const serial = { serial: 1, refresh: 60, retry: 60, expire: 60, minimum: 7 };

export class PrivateDns {
  /** Name → addresses; may be changed at any time. */
  readonly names: Map<string, string[]>;
  /** Name → records of other types. */
  readonly records = new Map<string, DnsAnswer[]>();
  /** Questions so far, as `udp SRV name`. */
  readonly asked: string[] = [];
  readonly #socket: Socket;
  readonly #server: Server;

  private constructor(socket: Socket, server: Server, names: Record<string, string[]>) {
    this.#socket = socket;
    this.#server = server;
    this.names = new Map(Object.entries(names));
    socket.on('message', (message, from) => {
      const answer = this.#answer(message);
      if (answer) socket.send(answer, from.port, from.address);
    });
    server.on('connection', (connection) => {
      connection.on('error', () => {});
      connection.on('data', (bytes: Buffer) => {
        const query = streamDecode(bytes);
        const answer = query && this.#answer(Buffer.from(encode(query)), 'tcp');
        if (answer) connection.write(streamEncode(decode(answer)));
      });
    });
  }

  static async start(names: Record<string, string[]>, port = 0, address = '127.0.0.1'): Promise<PrivateDns> {
    const server = createServer();
    server.listen(port, address);
    await once(server, 'listening');
    const socket = createSocket('udp4');
    socket.bind((server.address() as { port: number }).port, address);
    await once(socket, 'listening');
    return new PrivateDns(socket, server, names);
  }

  get address(): string {
    const { address, port } = this.#socket.address();
    return `${address}:${port}`;
  }

  stop(): void {
    this.#socket.close();
    this.#server.close();
  }

  #answer(message: Buffer, over: 'udp' | 'tcp' = 'udp'): Buffer | undefined {
    const query = decode(message);
    const question = query.questions?.[0];
    if (!question) return undefined;
    this.asked.push(`${over} ${question.type} ${question.name}`);
    const name = question.name.toLowerCase();
    const known = this.names.has(name) || this.records.has(name);
    const answers = this.#recordsOf(name).filter(({ type }) => type === question.type);
    const option = query.additionals?.find((one) => one.type === 'OPT');
    const limit = over === 'tcp' ? 65_535 : option?.type === 'OPT' ? option.udpPayloadSize : 512;
    const reply: Packet = { id: query.id ?? 0, type: 'response', questions: [question] };
    const flags = AUTHORITATIVE_ANSWER | (known ? 0 : nxdomain);
    const soa = { mname: 'ns.internal', rname: 'admin.internal', ...serial };
    const authorities: DnsAnswer[] =
      answers.length > 0 ? [] : [{ name: 'internal', type: 'SOA', ttl: 7, data: soa }];
    const whole = encode({ ...reply, flags, answers, authorities });
    return whole.length <= limit ? whole : encode({ ...reply, flags: flags | TRUNCATED_RESPONSE });
  }

  #recordsOf(name: string): DnsAnswer[] {
    const addresses = (this.names.get(name) ?? []).map(
      (data) => ({ name, type: isIPv6(data) ? 'AAAA' : 'A', ttl: 1, data }) as const,
    );
    return [...addresses, ...(this.records.get(name) ?? [])];
  }
}
