/**
 * What this host can do, asked before anything is changed: whether transparent mode is possible (`--tun auto`
 * falls back with the reason), and whether it forwards packets (`--gateway`).
 */
import type { Verdict } from '#schema/errors.ts';

/** Refuses `tun_unavailable`; `detail` names what is missing and how to give it. Changes nothing. */
export declare function transparentSupport(): Promise<
  Verdict<{ ipv6: boolean; mayInject: boolean }, 'tun_unavailable'>
>;

/** `net.ipv4.ip_forward` and `net.ipv6.conf.all.forwarding`. */
export declare function forwarding(): { ipv4: boolean; ipv6: boolean };
