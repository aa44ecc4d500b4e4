/**
 * What the device brings, packet by packet: pieces are put together, TCP goes to `tcp.ts`, datagrams and pings
 * to `datagrams.ts`, everything else goes nowhere. The one door for bytes that anybody may have made.
 */
import type { Ip } from '#schema/name/ip.ts';
import { parseFrame } from '#schema/packet/parse.ts';
import { Reassembly } from '#schema/packet/reassemble.ts';
import { PacketView, protocols } from '#schema/packet/view.ts';
import type { Datagrams } from './datagrams.ts';
import type { Tcp } from './tcp.ts';

export interface PacketsOptions {
  tcp: Pick<Tcp, 'take'>;
  datagrams: Pick<Datagrams, 'takeUdp' | 'takeEcho'>;
  /** Whose pieces are kept. */
  allows(source: Ip): boolean;
  monotonic(): number;
}

export class Packets {
  readonly #o: PacketsOptions;
  readonly #reassembly = new Reassembly();
  readonly #view = new PacketView();
  #plain: Uint8Array<ArrayBuffer> | undefined;
  /** Frames that were no packet. */
  refused = 0;

  constructor(o: PacketsOptions) {
    this.#o = o;
  }

  /** @param frame the device's: may be overwritten after the call, and is written to within it. */
  take(frame: Uint8Array<ArrayBuffer>, length: number): void {
    this.#take(this.#asPlain(frame), length);
  }

  /** As plain bytes: `slice` of a Buffer does not copy, and what is held must be a copy. */
  #asPlain(frame: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    const known = this.#plain;
    if (
      known?.buffer === frame.buffer &&
      known.byteOffset === frame.byteOffset &&
      known.length === frame.length
    )
      return known;
    this.#plain = new Uint8Array(frame.buffer, frame.byteOffset, frame.byteLength);
    return this.#plain;
  }

  #take(frame: Uint8Array, length: number): void {
    const view = this.#view;
    const { tcp, datagrams } = this.#o;
    if (parseFrame(view, frame, length) !== undefined) this.refused++;
    else if (view.fragment) this.#gather(view);
    else if (view.protocol === protocols.tcp) tcp.take(view);
    else if (view.protocol === protocols.udp) datagrams.takeUdp(view);
    else if (view.isEchoRequest) datagrams.takeEcho(view);
  }

  /** Devices behind a gateway send what is longer than their MTU in pieces. */
  #gather(view: PacketView): void {
    const { allows, monotonic } = this.#o;
    if (!allows({ family: view.family, bytes: view.source })) return;
    const whole = this.#reassembly.push(view, monotonic());
    if (whole !== undefined) this.#take(whole, whole.length);
  }
}
