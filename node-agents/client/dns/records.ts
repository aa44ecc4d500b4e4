/**
 * Records other than addresses of protected names: asked at a Connector of their Remote Network over a flow
 * of protocol `dns`, one for each name and asker, which stays open a while for the next question. What comes
 * back is checked, cleared of what leads nowhere from here (`cleared.ts`), and handed to `resolver.ts`.
 */
import type { Random } from '#node-agents/process/random.ts';
import type { Destination } from '#schema/acl/document.ts';
import { type ErrorCode, errors, type Verdict } from '#schema/errors.ts';
import {
  maxMessage,
  parseResponse,
  type Query,
  type Question,
  rcodes,
  sameQuestion,
} from '#schema/name/message.ts';
import { type ResponseDraft, writeQuery } from '#schema/name/write-message.ts';
import { type Cleared, cleared } from './cleared.ts';

export interface RecordsRequest {
  /** The protected name or address that the question belongs to. */
  host: string;
  query: Query;
  clientAddress: string;
}

/** Resolves with the Connector's answer, or SERVFAIL when there is none in time. Never rejects. */
export type AskRecords = (request: RecordsRequest) => Promise<Cleared>;

/** What carries datagrams to a destination: `client/udp/associations.ts`. */
export interface DatagramWays {
  open(request: {
    destination: Destination;
    clientAddress: string;
    onDatagram(bytes: Uint8Array): void;
    onEnd(code: ErrorCode | undefined): void;
  }): Verdict<{ association: { send(bytes: Uint8Array): boolean; close(): void } }>;
}

export interface RecordsOptions {
  ways: DatagramWays;
  random: Random;
  limits?: Partial<typeof limits>;
}

const limits = {
  /** Flows, over all names. */
  flows: 512,
  /** Questions of one flow that wait. */
  waiting: 32,
  /** Milliseconds for an answer: a little less than programs wait (resolv.conf(5): 5 s). */
  answerMs: 4_500,
  /** Milliseconds that a flow without questions is kept. */
  idleMs: 15_000,
};

interface Waiting {
  question: Question;
  settle(draft: Cleared): void;
}

/** RFC 8914. */
const reasons = { other: 0, prohibited: 18, noAuthority: 22 } as const;

export function createRecords(o: RecordsOptions): { ask: AskRecords; close(): void; readonly size: number } {
  const bounds = { ...limits, ...o.limits };
  const flows = new Map<string, RecordFlow>();
  let closed = false;
  const makeRoom = (): boolean => {
    if (flows.size < bounds.flows) return true;
    const idle = [...flows.values()].find((flow) => flow.idle);
    idle?.close();
    return idle !== undefined;
  };
  return {
    ask(request) {
      const key = `${request.host} ${request.clientAddress}`;
      let flow = flows.get(key);
      if (flow === undefined) {
        if (closed || !makeRoom()) return Promise.resolve(failed('limit_reached'));
        flow = new RecordFlow(request, o, bounds, () => void flows.delete(key));
        if (!flow.ended) flows.set(key, flow);
      }
      return flow.ask(request.query);
    },
    close() {
      closed = true;
      for (const flow of [...flows.values()]) flow.close();
    },
    get size() {
      return flows.size;
    },
  };
}

class RecordFlow {
  readonly #random: Random;
  readonly #bounds: typeof limits;
  readonly #onEnded: () => void;
  readonly #waiting = new Map<number, Waiting>();
  readonly #idle: NodeJS.Timeout;
  readonly #way: ReturnType<DatagramWays['open']>;
  #code: ErrorCode | undefined;
  ended = false;

  constructor(
    { host, clientAddress }: RecordsRequest,
    { ways, random }: RecordsOptions,
    bounds: typeof limits,
    onEnded: () => void,
  ) {
    this.#random = random;
    this.#bounds = bounds;
    this.#onEnded = onEnded;
    this.#idle = setTimeout(() => (this.idle ? this.close() : this.#idle.refresh()), bounds.idleMs).unref();
    this.#way = ways.open({
      destination: { protocol: 'dns', host },
      clientAddress,
      onDatagram: (bytes) => this.#onAnswer(bytes),
      onEnd: (code) => this.#end(code),
    });
    if (!this.#way.ok) this.#end(this.#way.code);
  }

  get idle(): boolean {
    return this.#waiting.size === 0;
  }

  ask({ question, edns, checkingDisabled }: Query): Promise<Cleared> {
    const id = this.#freeId();
    if (!this.#way.ok || this.ended) return Promise.resolve(failed(this.#code));
    if (id === undefined) return Promise.resolve(failed('limit_reached'));
    const { association } = this.#way;
    this.#idle.refresh();
    return new Promise((done) => {
      const timer = setTimeout(() => settle(failed('name_failed')), this.#bounds.answerMs);
      const settle = (draft: Cleared) => {
        clearTimeout(timer);
        this.#waiting.delete(id);
        done(draft);
      };
      this.#waiting.set(id, { question, settle });
      const dnssecOk = edns?.dnssecOk ?? false;
      const draft = { id, question, udpPayload: maxMessage, dnssecOk, checkingDisabled };
      if (!association.send(writeQuery(draft))) settle(failed('limit_reached'));
    });
  }

  close(): void {
    if (this.#way.ok) this.#way.association.close();
    this.#end(undefined);
  }

  /** Whatever does not answer a question of ours is left lying. */
  #onAnswer(bytes: Uint8Array): void {
    const response = parseResponse(bytes);
    const waiting = response && this.#waiting.get(response.id);
    if (!waiting || response.truncated || !sameQuestion(response.question, waiting.question)) return;
    waiting.settle(cleared(response));
  }

  #freeId(): number | undefined {
    if (this.#waiting.size >= this.#bounds.waiting) return undefined;
    for (;;) {
      const [high, low] = this.#random(2);
      const id = (high! << 8) | low!;
      if (!this.#waiting.has(id)) return id;
    }
  }

  #end(code: ErrorCode | undefined): void {
    if (this.ended) return;
    this.ended = true;
    this.#code = code;
    clearTimeout(this.#idle);
    for (const { settle } of [...this.#waiting.values()]) settle(failed(code));
    this.#onEnded();
  }
}

/** The reason goes along for those who ask for it (`dig` shows it). */
function failed(code: ErrorCode | undefined): ResponseDraft {
  if (code === undefined) return { rcode: rcodes.SERVFAIL };
  const reason =
    errors[code].status === 403
      ? reasons.prohibited
      : code === 'no_connector'
        ? reasons.noAuthority
        : reasons.other;
  return { rcode: rcodes.SERVFAIL, because: { code: reason, text: `${code}: ${errors[code].title}` } };
}
