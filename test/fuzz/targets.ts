/** Every fuzz target there is. */
import { dnsMessage } from './dns-message.ts';
import { packetParse } from './packet-parse.ts';
import { packetReassembly } from './packet-reassembly.ts';
import { relaySwitch } from './relay-switch.ts';
import { socks } from './socks.ts';
import type { Target } from './target.ts';
import { transparentFlows } from './transparent-flows.ts';
import { transparentPackets } from './transparent-packets.ts';
import { tunnelCodec } from './tunnel-codec.ts';
import { tunnelMux } from './tunnel-mux.ts';
import { tunnelPeer } from './tunnel-peer.ts';

export const targets: Target[] = [
  dnsMessage,
  packetParse,
  packetReassembly,
  relaySwitch,
  socks,
  transparentFlows,
  transparentPackets,
  tunnelCodec,
  tunnelMux,
  tunnelPeer,
];
