/**
 * Whether a name below a wildcard is there and has an address, asked at the Connector before it gets one here:
 * programs that try one name after another (search lists, resolv.conf(5)) must not be held up by one that only
 * a wildcard knows. A name that has an address is not asked about again. Between `resolver.ts` and `records.ts`.
 */
import { internet, type Query, rcodes, recordTypes } from '#schema/name/message.ts';
import type { ResponseDraft } from '#schema/name/write-message.ts';
import { negativeTtl, soa } from './answers.ts';
import type { Cleared } from './cleared.ts';
import type { AskRecords } from './records.ts';

export interface ExistenceOptions {
  records: AskRecords;
  /** Milliseconds. */
  nowMs(): number;
  limits?: Partial<typeof limits>;
}

export interface WhoAsks {
  /** Remote Network: the same name may be there in one and not in another. */
  network: string;
  query: Query;
  clientAddress: string;
}

/** What to answer for a name without an address, or of which nobody can say; undefined for one that has some. */
export type WhyNot = (name: string, who: WhoAsks) => Promise<ResponseDraft | undefined>;

const limits = {
  /** Names asked about at once: fewer than `records.ts` has flows. */
  atOnce: 256,
  /** Names that wait for their turn. */
  waiting: 2_048,
  /** Names that are known not to be there, or to have no address. */
  missing: 4_096,
};

export function createExistence(o: ExistenceOptions): WhyNot {
  const { atOnce, waiting, missing: mostMissing } = { ...limits, ...o.limits };
  const underWay = new Map<string, Promise<ResponseDraft | undefined>>();
  const turns: (() => void)[] = [];
  /** Until when, the oldest first. */
  const missing = new Map<string, { untilMs: number; rcode: number }>();
  let running = 0;

  const ask = async (name: string, type: number, { query, clientAddress }: WhoAsks): Promise<Cleared> => {
    if (running >= atOnce) await new Promise<void>((turn) => turns.push(turn));
    else running++;
    const question = { name, type, class: internet };
    const draft = await o.records({ host: name, query: { ...query, question }, clientAddress });
    const next = turns.shift();
    if (next) next();
    else running--;
    return draft;
  };
  const find = async (key: string, name: string, who: WhoAsks): Promise<ResponseDraft | undefined> => {
    let draft = await ask(name, recordTypes.A, who);
    // Either will do: a flow goes by name, and the Connector finds which. A name may also have none at all.
    if (draft.addresses === false && draft.rcode === rcodes.NOERROR)
      draft = await ask(name, recordTypes.AAAA, who);
    underWay.delete(key);
    const { rcode } = draft;
    if (rcode === rcodes.NOERROR && draft.addresses !== false) return undefined;
    if (rcode !== rcodes.NXDOMAIN && rcode !== rcodes.NOERROR) return draft;
    missing.delete(key);
    missing.set(key, { untilMs: o.nowMs() + negativeTtl * 1000, rcode });
    if (missing.size > mostMissing) missing.delete(missing.keys().next().value!);
    return none(name, rcode);
  };

  return async (name, who) => {
    const key = `${who.network} ${name}`;
    const known = missing.get(key);
    if (known !== undefined && o.nowMs() < known.untilMs) return none(name, known.rcode);
    const asked = underWay.get(key);
    if (asked) return asked;
    if (turns.length >= waiting) return { rcode: rcodes.SERVFAIL };
    const answer = find(key, name, who);
    underWay.set(key, answer);
    return answer;
  };
}

/** No such name, or no address of it. */
const none = (name: string, rcode: number): ResponseDraft => ({ rcode, authority: [soa(name)] });
