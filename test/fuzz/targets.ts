/** Every fuzz target there is. */
import { dnsMessage } from './dns-message.ts';
import { relaySwitch } from './relay-switch.ts';
import type { Target } from './target.ts';
import { tunnelCodec } from './tunnel-codec.ts';
import { tunnelMux } from './tunnel-mux.ts';
import { tunnelPeer } from './tunnel-peer.ts';

export const targets: Target[] = [dnsMessage, relaySwitch, tunnelCodec, tunnelMux, tunnelPeer];
