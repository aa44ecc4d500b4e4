/**
 * One flow from the Client's request to its event: judged, resolved, connected, joined, and judged again for
 * as long as it lives. `tunnel.ts` makes one for each request; `forward.ts` moves the bytes.
 */
import type { ClientAcl, FlowVerdict } from '#schema/acl/intersect.ts';
import { judge } from '#schema/acl/intersect.ts';
import { type ErrorCode, SallyportError } from '#schema/errors.ts';
import type { EventKind } from '#schema/event/event.ts';
import { canonicalHost } from '#schema/name/host.ts';
import { type Ip, parseIp } from '#schema/name/ip.ts';
import type { FlowRequest } from '../link/tunnel/connector.ts';
import { answerRecords } from './dns.ts';
import type { Joined } from './forward.ts';
import type { Gate } from './gate.ts';
import { limits } from './limits.ts';
import { reach } from './reach.ts';
import type { RecordQuestion } from './record-resolver.ts';
import { mayConnect, ownAddresses, resolve, targetOf } from './resolve.ts';

/** What a flow needs to know of the tunnel that it is in. */
export interface FlowContext {
  gate: Gate;
  /** The Client ACL in force now. */
  client(): ClientAcl;
  /** Resolves when the Client has brought a newer ACL, or has had time enough to. */
  newerAcl(): Promise<void>;
  /** `rel_…`; undefined on a direct path. */
  relay: string | undefined;
}

type Allowed = Extract<FlowVerdict, { ok: true }>;

export class LiveFlow {
  readonly #request: FlowRequest;
  readonly #context: FlowContext;
  readonly #principal: string;
  readonly #startMs: number;
  /** Aborted with the code. */
  readonly #ended = new AbortController();
  /** The last verdict. */
  verdict: FlowVerdict | undefined;
  #resolved: string | undefined;
  /** What the destination stood for when it was looked up, and the address that answered; none for records. */
  #reached: { target: string; ip?: Ip } | undefined;
  #joined: Joined | undefined;
  #bytes = 0;
  #movedMs: number;
  #probed = false;

  constructor(request: FlowRequest, context: FlowContext) {
    this.#request = request;
    this.#context = context;
    this.#principal = context.client().claims.sub;
    this.#startMs = this.#movedMs = context.gate.moment().nowMs;
    const { signal } = request;
    if (signal.aborted) this.cut('cancelled');
    else signal.addEventListener('abort', () => this.cut('cancelled'), { once: true });
  }

  /** Resolves when the flow is over and its event written. */
  async run(): Promise<void> {
    const leave = this.#enter();
    if (!leave) return this.#refuse('failed', 'limit_reached');
    try {
      await this.#run();
    } catch (error) {
      this.#context.gate.log.error('flow_failed', { connection: this.#request.connectionId, error });
      const code = error instanceof SallyportError ? error.code : 'internal_error';
      this.#joined?.cut(code);
      this.#refuse('failed', code);
    } finally {
      leave();
    }
  }

  /** Ends it, whatever it is at. The Client is told the code. */
  cut(code: ErrorCode): void {
    if (this.#ended.signal.aborted) return;
    this.#ended.abort(code);
    this.#joined?.cut(code);
  }

  /** Asks again what was asked when it was opened. @returns the code of a refusal, which does not cut yet. */
  rejudge(): ErrorCode | undefined {
    const verdict = this.#judge();
    if (!verdict.ok) return verdict.code;
    if (!this.#leadsThere(verdict)) return 'not_in_connector_acl';
    this.verdict = verdict;
    return undefined;
  }

  /** What time alone has brought to an end. */
  checkTime(nowMs: number): void {
    if (this.verdict?.ok && nowMs >= this.verdict.endsMs) {
      const code = this.rejudge();
      if (code) return this.cut(code);
    }
    if (!this.#joined) return;
    if (!this.#probed && nowMs - this.#startMs > limits.lastingMs) {
      this.#probed = true;
      this.#joined.probe?.();
    }
    const { bytesUp, bytesDown, halfClosed } = this.#joined;
    if (bytesUp + bytesDown !== this.#bytes) {
      this.#bytes = bytesUp + bytesDown;
      this.#movedMs = nowMs;
    } else if (nowMs - this.#movedMs > (halfClosed ? limits.halfClosedIdleMs : limits.idleMs)) {
      this.cut('idle_timeout');
    }
  }

  #enter(): (() => void) | undefined {
    const { census, associations } = this.#context.gate;
    const leaveAll = census.enter(this.#principal);
    if (!leaveAll || this.#request.destination.protocol === 'tcp') return leaveAll;
    const leave = associations.enter(this.#principal);
    if (!leave) {
      leaveAll();
      return undefined;
    }
    return () => {
      leave();
      leaveAll();
    };
  }

  async #run(): Promise<void> {
    const allowed = await this.#admit();
    if (!allowed) return;
    const { destination } = this.#request;
    const { signal } = this.#ended;
    const host = canonicalHost(destination.host)!;
    if (destination.protocol === 'dns') return this.#answerRecords(allowed, host);
    const { resolver } = this.#context.gate;
    const lookup = (name: string) => resolver.lookup(name, this.#principal);
    const found = await resolve(allowed, host, { lookup });
    if (signal.aborted) return this.#refuse('failed', signal.reason);
    if (!found.ok) return this.#refuse(found.code === 'address_forbidden' ? 'denied' : 'failed', found.code);
    const reached = await reach(destination, found.addresses, signal);
    if (!reached.ok) return this.#refuse('failed', signal.aborted ? signal.reason : reached.code);
    this.#reached = {
      target: targetOf(allowed.resource, allowed.rule, host),
      ip: parseIp(reached.address)!,
    };
    // Much may have changed while the name was looked up and the destination took its time.
    const code = signal.aborted ? signal.reason : this.rejudge();
    if (code) {
      reached.discard();
      return this.#refuse(code === 'cancelled' ? 'failed' : 'denied', code);
    }
    this.#resolved = reached.address;
    this.#joined = reached.join(this.#request.accept({ resolved: reached.address }));
    this.#event('established');
    this.#event('closed', await this.#joined.done);
  }

  async #answerRecords({ resource, rule }: Allowed, host: string): Promise<void> {
    const { signal } = this.#ended;
    if (signal.aborted) return this.#refuse('failed', signal.reason);
    const target = targetOf(resource, rule, host);
    this.#reached = { target };
    const { records } = this.#context.gate;
    const resolver = { ask: (question: RecordQuestion) => records.ask(question, this.#principal) };
    this.#joined = answerRecords(this.#request.accept({ resolved: '' }), { host, target, resolver });
    this.#event('established');
    this.#event('closed', await this.#joined.done);
  }

  /** A Client whose ACL has just been replaced is given a moment to bring the new one. */
  async #admit(): Promise<Allowed | undefined> {
    let verdict = this.#judge();
    if (!verdict.ok && (verdict.code === 'acl_superseded' || verdict.code === 'acl_expired')) {
      await this.#context.newerAcl();
      verdict = this.#judge();
    }
    this.verdict = verdict;
    if (verdict.ok) return verdict;
    this.#refuse('denied', verdict.code);
    return undefined;
  }

  #judge(): FlowVerdict {
    const { gate, client } = this.#context;
    return judge(this.#request.destination, client(), gate.acl, gate.moment());
  }

  /** Whether the Resource as it is now still leads to the address that this flow is connected to. */
  #leadsThere({ resource, rule }: Allowed): boolean {
    if (!this.#reached) return true;
    const { target, ip } = this.#reached;
    const host = canonicalHost(this.#request.destination.host)!;
    if (targetOf(resource, rule, host) !== target) return false;
    return ip === undefined || mayConnect(ip, resource, ownAddresses());
  }

  #refuse(kind: 'denied' | 'failed', code: ErrorCode): void {
    this.#request.refuse(code);
    this.#event(kind, code);
  }

  #event(kind: EventKind, code?: ErrorCode): void {
    const { gate, client, relay } = this.#context;
    const { connectionId, destination, clientAddress } = this.#request;
    const { claims } = client();
    const { nowMs, heardMs } = gate.moment();
    const { resource, rule } = this.verdict ?? {};
    const connector = gate.connector();
    gate.report.add({
      kind,
      connection: connectionId,
      principal: claims.sub,
      key: claims.key,
      instance: claims.instance,
      ...(clientAddress !== '' && { client_address: clientAddress }),
      ...(resource && { resource: resource.id }),
      ...(rule !== undefined && { rule }),
      protocol: destination.protocol,
      host: destination.host,
      ...(destination.port !== undefined && { port: destination.port }),
      ...(this.#resolved !== undefined && { resolved: this.#resolved }),
      network: gate.network(),
      ...(connector !== undefined && { connector }),
      ...(relay !== undefined && { relay }),
      path: relay === undefined ? 'direct' : 'relay',
      bytes_up: this.#joined?.bytesUp ?? 0,
      bytes_down: this.#joined?.bytesDown ?? 0,
      duration_ms: Math.max(0, Math.round(nowMs - this.#startMs)),
      ...(code && { code }),
      acl_age: Math.max(0, Math.round((nowMs - heardMs) / 1000)),
    });
    gate.log.debug(`flow_${kind}`, { connection: connectionId, host: destination.host, code });
  }
}
