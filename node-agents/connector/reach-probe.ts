/**
 * Tries a destination for an administrator who asks why something fails: the way of a flow without its bytes,
 * and how long each hop of it took. The Connector's own ACL decides, as it does over a flow: whoever asks, even
 * the Controller itself, learns nothing of what no Client could be led to. Asked by `session.ts`; a connection
 * that was accepted is closed at once.
 */
import { type FlowVerdict, isStale } from '#schema/acl/intersect.ts';
import { judgeOne } from '#schema/acl/match.ts';
import type { FromAgent, FromControllerOf, ProbeHop } from '#schema/control/messages.ts';
import type { ErrorCode } from '#schema/errors.ts';
import { canonicalHost } from '#schema/name/host.ts';
import { formatIp } from '#schema/name/ip.ts';
import { Buckets } from '#schema/rate/bucket.ts';
import { connect } from './connect.ts';
import type { Gate } from './gate.ts';
import { limits } from './limits.ts';
import { resolve } from './resolve.ts';

export interface ReachProbesOptions {
  gate: Pick<Gate, 'acl' | 'moment' | 'resolver' | 'log'>;
  send(message: FromAgent): boolean;
  /** Monotonic milliseconds. */
  now(): number;
}

type Probe = FromControllerOf<'probe'>;

/** Whom look-ups are counted for. */
const principal = 'probe';

export class ReachProbes {
  readonly #o: ReachProbesOptions;
  readonly #rate = new Buckets(limits.probeRate);
  readonly #ended = new AbortController();
  #underWay = 0;

  constructor(options: ReachProbesOptions) {
    this.#o = options;
  }

  /** Answers in any case. */
  async take(probe: Probe): Promise<void> {
    const { send, gate, now } = this.#o;
    const answer = (hops: ProbeHop[]) => void send({ type: 'probed', probe: probe.probe, hops });
    const refused: ProbeHop = { hop: 'acl', ok: false, ms: 0, code: 'limit_reached' };
    if (this.#underWay >= limits.probes || !this.#rate.take(principal, now())) return answer([refused]);
    this.#underWay++;
    try {
      const hops = await this.#run(probe);
      answer(hops);
      gate.log.info('probed', { resource: probe.resource, hops: hops.map(({ hop, code }) => code ?? hop) });
    } catch (error) {
      gate.log.error('probe_failed', { error });
      answer([{ ...refused, code: 'internal_error' }]);
    } finally {
      this.#underWay--;
    }
  }

  close(): void {
    this.#ended.abort();
  }

  async #run(probe: Probe): Promise<ProbeHop[]> {
    const { now, gate } = this.#o;
    const hops: ProbeHop[] = [];
    let from = now();
    const passed = (hop: ProbeHop['hop'], found?: string[]) => {
      hops.push({ hop, ok: true, ms: took(), ...(found && { found }) });
      from = now();
    };
    const failed = (hop: ProbeHop['hop'], code: ErrorCode) => [...hops, { hop, ok: false, ms: took(), code }];
    const took = () => Math.round((now() - from) * 10) / 10;

    const verdict = this.#judge(probe);
    if (!verdict.ok) return failed('acl', verdict.code);
    passed('acl');

    const lookup = (name: string) => gate.resolver.lookup(name, principal);
    const found = await resolve(verdict, canonicalHost(probe.host)!, { lookup });
    if (!found.ok) return failed('resolve', found.code);
    passed('resolve', found.addresses.map(formatIp));

    // Datagrams are accepted by nobody: what became of one only its sender's program could tell.
    if (probe.protocol !== 'tcp') return hops;
    const reached = await connect(found.addresses, probe.port!, this.#ended.signal);
    if (!reached.ok) return failed('connect', reached.code);
    reached.socket.destroy();
    passed('connect', [reached.address]);
    return hops;
  }

  #judge({
    resource,
    protocol,
    host,
    port,
  }: Probe):
    | Pick<Extract<FlowVerdict, { ok: true }>, 'ok' | 'resource' | 'rule'>
    | { ok: false; code: ErrorCode } {
    const { acl, moment } = this.#o.gate;
    if (isStale(acl, moment())) return { ok: false, code: 'acl_stale' };
    const own = acl.resources.get(resource);
    if (!own) return { ok: false, code: 'not_in_connector_acl' };
    const verdict = judgeOne(own, { protocol, host, ...(port !== undefined && { port }) });
    if (verdict.ok) return verdict;
    return { ok: false, code: verdict.code === 'not_a_resource' ? 'not_in_connector_acl' : verdict.code };
  }
}
