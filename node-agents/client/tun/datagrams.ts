/**
 * UDP and pings off the device: each source and destination pair is one association (`client/udp/`), whose
 * answers are built into packets again. Questions for names are answered here, whoever they were sent to,
 * unless that is itself a Resource. A refusal comes back as ICMP, so that the program's socket has its errno.
 */
import type { Destination } from '#schema/acl/document.ts';
import type { ErrorCode } from '#schema/errors.ts';
import { formatIp, type Ip } from '#schema/name/ip.ts';
import {
  buildEchoReply,
  buildUdp,
  buildUnreachable,
  longestBuilt,
  type Unreachable,
} from '#schema/packet/build.ts';
import { transportChecksumHolds } from '#schema/packet/checksum.ts';
import { fragmentsOf, longestWhole } from '#schema/packet/fragment.ts';
import { parseFrame } from '#schema/packet/parse.ts';
import { get16, PacketView, put16 } from '#schema/packet/view.ts';
import type { DnsResolver, Upstream } from '../dns/resolver.ts';
import { foreignSource, type Refused, unknownName } from '../refusals.ts';
import type { Association } from '../udp/association.ts';
import type { Associations } from '../udp/associations.ts';
import { answerTo } from './verdict.ts';

export interface DatagramsOptions {
  associations: Associations;
  resolver: DnsResolver;
  /** Who is asked for names that are not protected, by somebody who asked that server. */
  upstreamOf(server: Ip): Upstream;
  destination(protocol: Destination['protocol'], address: Ip, port?: number): Destination | undefined;
  /** Whether it may come here at all. */
  allows(source: Ip): boolean;
  /** Whether it lies behind this host, on a link that need not carry what the device does. */
  isDevice?(address: Ip): boolean;
  /** Whether a server for port 53 is a Resource itself, and what it is asked none of our business. */
  asksResource(destination: Destination | undefined): boolean;
  /** Told to whoever asks for `status`, besides what `associations` tell. */
  refused(refused: Refused): void;
  /** @param frame valid during the call. */
  write(frame: Uint8Array): boolean;
}

/** DNS questions under way; what comes beyond is asked again by whoever wants to know. */
export const mostQuestions = 1_024;
/** The longest datagram that is kept for the ICMP error it may yet get; a longer one gets none. */
const quoted = 1_300;

export class Datagrams {
  readonly #o: DatagramsOptions;
  readonly #out = Buffer.alloc(longestBuilt);
  /** As many as `Associations` allows. */
  readonly #live = new Map<string, Association>();
  #questions = 0;
  #id = 0;

  constructor(o: DatagramsOptions) {
    this.#o = o;
  }

  get counts(): { live: number; questions: number } {
    return { live: this.#live.size, questions: this.#questions };
  }

  takeUdp(view: PacketView): void {
    // Passed on it would get a fresh checksum, and its damage would look whole.
    if (!transportChecksumHolds(view)) return;
    const address: Ip = { family: view.family, bytes: view.destination };
    const destination = this.#o.destination('udp', address, view.destinationPort);
    if (view.destinationPort === 53 && !this.#o.asksResource(destination))
      return void this.#answerName(view, address);
    if (destination === undefined) return this.#unknown(view, 'udp', address);
    const { source, sourcePort, destinationPort } = view;
    this.#pass(view, keyOf(view, sourcePort, destinationPort), destination, view.data, (data) =>
      this.#send({
        source: address.bytes,
        sourcePort: destinationPort,
        destination: source,
        destinationPort: sourcePort,
        data,
      }),
    );
  }

  /** Each association carries identifier and sequence number in front of the data. */
  takeEcho(view: PacketView): void {
    if (!transportChecksumHolds(view)) return;
    const address: Ip = { family: view.family, bytes: view.destination };
    const destination = this.#o.destination('icmp', address);
    if (destination === undefined) return this.#unknown(view, 'icmp', address);
    const { source, echoIdentifier: identifier } = view;
    const message = new Uint8Array(view.payloadEnd - view.transport - 6);
    put16(message, 0, view.echoSequence);
    message.set(view.data, 2);
    this.#pass(view, keyOf(view, identifier, -1), destination, message, (answer) => {
      if (answer.length < 2) return;
      const length = buildEchoReply(this.#out, {
        ...{ source: address.bytes, destination: source, identifier, id: this.#nextId() },
        ...{ sequence: get16(answer, 0), data: answer.subarray(2) },
      });
      this.#write(length, source);
    });
  }

  close(): void {
    for (const association of [...this.#live.values()]) association.close();
  }

  #pass(
    view: PacketView,
    key: string,
    destination: Destination,
    data: Uint8Array,
    onDatagram: (bytes: Uint8Array) => void,
  ): void {
    const live = this.#live.get(key);
    if (live !== undefined) return void live.send(data);
    const clientAddress = sourceOf(view);
    if (!this.#allows(view)) {
      this.#o.refused({ destination, clientAddress, code: 'not_a_resource', detail: foreignSource });
      return this.#refuse(view, 'prohibited');
    }
    const first = view.end <= quoted ? view.frame.slice(0, view.end) : undefined;
    const opened = this.#o.associations.open({
      destination,
      clientAddress,
      onDatagram,
      onEnd: (code) => {
        this.#live.delete(key);
        if (code !== undefined && first !== undefined) this.#tell(first, code, destination.protocol);
      },
    });
    if (!opened.ok) {
      const { code } = opened;
      this.#o.refused({ destination, clientAddress, code });
      return this.#refuse(view, answerOf(code, destination.protocol));
    }
    this.#live.set(key, opened.association);
    opened.association.send(data);
  }

  /** A synthetic address without a name. */
  #unknown(view: PacketView, protocol: Destination['protocol'], address: Ip): void {
    const destination = {
      protocol,
      host: formatIp(address),
      ...(protocol === 'udp' && { port: view.destinationPort }),
    };
    this.#o.refused({
      destination,
      clientAddress: sourceOf(view),
      code: 'host_unreachable',
      detail: unknownName,
    });
    this.#refuse(view, 'host');
  }

  async #answerName(view: PacketView, server: Ip): Promise<void> {
    if (this.#questions >= mostQuestions || !this.#allows(view)) return;
    const { source, sourcePort, destinationPort, data } = view;
    const clientAddress = sourceOf(view);
    this.#questions++;
    const upstream = this.#o.upstreamOf(server);
    const answer = await this.#o.resolver.answer({ bytes: data, over: 'udp', clientAddress, upstream });
    this.#questions--;
    if (answer === undefined) return;
    this.#send({
      ...{ source: server.bytes, sourcePort: destinationPort },
      ...{ destination: source, destinationPort: sourcePort, data: answer },
    });
  }

  #send(datagram: Omit<Parameters<typeof buildUdp>[1], 'id'>): void {
    this.#write(buildUdp(this.#out, { ...datagram, id: this.#nextId() }), datagram.destination);
  }

  /** What was built. A router cuts what is too long over IPv4 alone. */
  #write(length: number, destination: Uint8Array): void {
    if (length === 0) return;
    const frame = this.#out.subarray(0, length);
    const cut = destination.length === 16 && length > longestWhole;
    if (!cut || !this.#o.isDevice?.({ family: 6, bytes: destination })) return void this.#o.write(frame);
    for (const piece of fragmentsOf(frame, this.#nextId())) this.#o.write(piece);
  }

  /** Of a datagram that was passed on a while ago. */
  #tell(first: Uint8Array, code: ErrorCode, protocol: Destination['protocol']): void {
    const view = new PacketView();
    if (parseFrame(view, first, first.length) === undefined) this.#refuse(view, answerOf(code, protocol));
  }

  #refuse(view: PacketView, kind: Unreachable): void {
    const length = buildUnreachable(this.#out, view, kind);
    if (length > 0) this.#o.write(this.#out.subarray(0, length));
  }

  #allows(view: PacketView): boolean {
    return this.#o.allows({ family: view.family, bytes: view.source });
  }

  #nextId(): number {
    this.#id = (this.#id + 1) & 0xffff;
    return this.#id;
  }
}

const sourceOf = ({ family, source: bytes }: PacketView): string => formatIp({ family, bytes });

function answerOf(code: ErrorCode, protocol: Destination['protocol']): Unreachable {
  const answer = answerTo(code, protocol === 'icmp' ? 'icmp' : 'udp');
  return answer === 'reset' ? 'port' : answer;
}

/** Both addresses and two numbers, 16 bits to a character. */
function keyOf({ frame, sourceAt, addressBytes }: PacketView, one: number, other: number): string {
  let key = String.fromCharCode(one, other & 0xffff, other < 0 ? 1 : 0);
  for (let at = sourceAt; at < sourceAt + 2 * addressBytes; at += 2)
    key += String.fromCharCode(get16(frame, at));
  return key;
}
