/**
 * Brings the questions of this host's programs to our resolver, in the way that fits the host
 * (`os/dns-way.ts`), and knows whom they would have asked otherwise. Put up after the device has its
 * addresses, taken down before it goes. What comes in by the rule is met in `datagrams.ts` and `tcp.ts`.
 */
import { existsSync } from 'node:fs';
import { type DnsWay, dnsWay } from '#node-agents/os/dns-way.ts';
import {
  hostNameservers,
  installResolvConf,
  type ResolvConf,
  resolvConfPath,
  restoreResolvConf,
} from '#node-agents/os/resolv-conf.ts';
import { behindResolved, resolvedRuns } from '#node-agents/os/resolved.ts';
import { keepResolvedLink, type ResolvedLink } from '#node-agents/os/resolved-link.ts';
import { routingDomains } from '#node-agents/os/routing-domains.ts';
import type { Log } from '#node-agents/process/log.ts';
import type { SallyportError } from '#schema/errors.ts';
import { formatIp } from '#schema/name/ip.ts';
import { deviceAddresses } from '#schema/name/synthetic.ts';

const own: readonly string[] = [formatIp(deviceAddresses.v4), formatIp(deviceAddresses.v6)];

export class DnsEntrance {
  readonly way: DnsWay;
  readonly #log: Log;
  readonly #resolved: ResolvedLink | undefined;
  #conf: ResolvConf | undefined;

  /** @throws SallyportError tun_unavailable when the way that was asked for cannot be had. */
  static async choose(asked: DnsWay | 'auto', device: string, log: Log): Promise<DnsEntrance> {
    const resolved = asked === 'auto' && (await resolvedRuns());
    return new DnsEntrance(dnsWay(asked, { resolved, nameservers: hostNameservers() }), device, log);
  }

  private constructor(way: DnsWay, device: string, log: Log) {
    this.way = way;
    this.#log = log;
    if (way !== 'resolved') return;
    const onForgotten = (error?: SallyportError) =>
      log.warn('resolved_told_again', { ...(error && { error }) });
    this.#resolved = keepResolvedLink({ device, servers: [own[0]!], onForgotten });
  }

  /** Whether programs are sent to our own address: then somebody has to listen there. */
  get wantsDoor(): boolean {
    return this.way === 'resolved' || this.way === 'resolvconf';
  }

  /** Whom this host asks for what is none of ours. */
  nameservers(): readonly string[] {
    const known =
      this.#conf?.nameservers() ?? hostNameservers(this.way === 'resolved' ? behindResolved : undefined);
    return known.filter((address) => !own.includes(address));
  }

  /** The door is open. */
  install(): void {
    if (this.way !== 'resolvconf')
      return this.#takeOut(() => existsSync(resolvConfPath) && restoreResolvConf());
    this.#conf = installResolvConf({
      server: own[0]!,
      onRewritten: (error) => this.#log.warn('resolv_conf_rewritten', { ...(error && { error }) }),
    });
  }

  /** Names and addresses of Resources changed. */
  async follow(patterns: Iterable<string>): Promise<void> {
    await this.#resolved?.follow(routingDomains(patterns));
  }

  async remove(): Promise<void> {
    await this.#resolved?.remove();
    this.#takeOut(() => this.#conf?.restore());
    this.#conf = undefined;
  }

  /** Ours, or what a killed daemon that came in another way has left. */
  #takeOut(restore: () => unknown): void {
    try {
      restore();
    } catch (error) {
      this.#log.error('resolv_conf_not_restored', { error });
    }
  }
}
