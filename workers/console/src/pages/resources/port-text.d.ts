/** Ports as people write them, "443, 8000-8100", and as the API has them. */
import type { Ports } from '#schema/acl/document.ts';
import { type Verdict } from '#schema/errors.ts';
/** What a form holds. */
export interface PortInput {
  mode: 'all' | 'some' | 'none';
  text: string;
}
export declare function readPorts({ mode, text }: PortInput): Verdict<
  {
    ports: Ports;
  },
  'ports_invalid'
>;
export declare const writePorts: (ports: Ports) => PortInput;
/** "443, 8000-8100", or "all" or "none". */
export declare const sayPorts: (ports: Ports) => string;
/** All protocols in a few words: "TCP 443, 8000-8100 · UDP none · ping". */
export declare function sayReach({ tcp, udp, icmp }: { tcp: Ports; udp: Ports; icmp: boolean }): string;
