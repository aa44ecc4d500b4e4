/**
 * The resolver of a private network, on loopback unless told otherwise: answers A and AAAA for the names it is given and NXDOMAIN
 * for everything else. Only a Connector that is told of it (`SALLYPORT_DNS`) can resolve those names.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import { AUTHORITATIVE_ANSWER, type Answer as DnsAnswer, decode, encode } from 'dns-packet';

const nxdomain = 3;

export class PrivateDns {
  /** Name → addresses; may be changed at any time. */
  readonly names: Map<string, string[]>;
  readonly #socket: Socket;

  private constructor(socket: Socket, names: Record<string, string[]>) {
    this.#socket = socket;
    this.names = new Map(Object.entries(names));
    socket.on('message', (message, from) => {
      const answer = this.#answer(message);
      if (answer) socket.send(answer, from.port, from.address);
    });
  }

  static async start(names: Record<string, string[]>, port = 0, address = '127.0.0.1'): Promise<PrivateDns> {
    const socket = createSocket('udp4');
    socket.bind(port, address);
    await once(socket, 'listening');
    return new PrivateDns(socket, names);
  }

  get address(): string {
    const { address, port } = this.#socket.address();
    return `${address}:${port}`;
  }

  stop(): void {
    this.#socket.close();
  }

  #answer(message: Buffer): Buffer | undefined {
    const query = decode(message);
    const question = query.questions?.[0];
    if (!question) return undefined;
    const addresses = this.names.get(question.name.toLowerCase());
    const answers: DnsAnswer[] = (addresses ?? [])
      .map((data) => ({ name: question.name, type: isIPv6(data) ? 'AAAA' : 'A', ttl: 1, data }) as const)
      .filter(({ type }) => type === question.type);
    const flags = AUTHORITATIVE_ANSWER | (addresses ? 0 : nxdomain);
    return encode({ id: query.id ?? 0, type: 'response', flags, questions: [question], answers });
  }
}
