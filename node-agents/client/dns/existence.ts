/**
 * Whether a name below a wildcard is there at all, asked at the Connector before the name gets an address:
 * programs that try one name after another (search lists, resolv.conf(5)) must not be held up by one that only
 * a wildcard knows. A name that has an address is not asked about again. Between `resolver.ts` and `records.ts`.
 */
import { internet, type Query, rcodes, recordTypes } from '#schema/name/message.ts';
import type { ResponseDraft } from '#schema/name/write-message.ts';
import { negativeTtl, soa } from './answers.ts';
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

/** What to answer for a name that is not there, or of which nobody can say; undefined for one that is. */
export type WhyNot = (name: string, who: WhoAsks) => Promise<ResponseDraft | undefined>;

const limits = {
  /** Names asked about at once: fewer than `records.ts` has flows. */
  atOnce: 256,
  /** Names that wait for their turn. */
  waiting: 2_048,
  /** Names that are known not to be there. */
  missing: 4_096,
};

export function createExistence(o: ExistenceOptions): WhyNot {
  const { atOnce, waiting, missing: mostMissing } = { ...limits, ...o.limits };
  const underWay = new Map<string, Promise<ResponseDraft | undefined>>();
  const turns: (() => void)[] = [];
  /** Until when, the oldest first. */
  const missing = new Map<string, number>();
  let running = 0;

  const ask = async (name: string, { query, clientAddress }: WhoAsks): Promise<ResponseDraft> => {
    if (running >= atOnce) await new Promise<void>((turn) => turns.push(turn));
    else running++;
    const question = { name, type: recordTypes.A, class: internet };
    const draft = await o.records({ host: name, query: { ...query, question }, clientAddress });
    const next = turns.shift();
    if (next) next();
    else running--;
    return draft;
  };
  const find = async (key: string, name: string, who: WhoAsks): Promise<ResponseDraft | undefined> => {
    const draft = await ask(name, who);
    underWay.delete(key);
    if (draft.rcode === rcodes.NOERROR) return undefined;
    if (draft.rcode !== rcodes.NXDOMAIN) return draft;
    missing.delete(key);
    missing.set(key, o.nowMs() + negativeTtl * 1000);
    if (missing.size > mostMissing) missing.delete(missing.keys().next().value!);
    return notThere(name);
  };

  return async (name, who) => {
    const key = `${who.network} ${name}`;
    const until = missing.get(key);
    if (until !== undefined && o.nowMs() < until) return notThere(name);
    const asked = underWay.get(key);
    if (asked) return asked;
    if (turns.length >= waiting) return { rcode: rcodes.SERVFAIL };
    const answer = find(key, name, who);
    underWay.set(key, answer);
    return answer;
  };
}

const notThere = (name: string): ResponseDraft => ({ rcode: rcodes.NXDOMAIN, authority: [soa(name)] });
