/**
 * Asks the Remote Network's resolver for records of any type, as `resolve.ts` asks it for addresses: the
 * servers of SALLYPORT_DNS, or those of this host's resolv.conf. By UDP first, by TCP what is too long for it
 * (RFC 7766 §5). What this host knows of a name besides (its hosts file, say) counts where addresses are asked
 * for, since `resolve.ts` goes by it. `dns.ts` asks on behalf of a flow.
 */
import { Resolver as SystemResolver } from 'node:dns';
import {
  maxMessage,
  parseResponse,
  type Question,
  type Response,
  rcodes,
  recordTypes,
  sameQuestion,
} from '#schema/name/message.ts';
import { ourUdpPayload, writeQuery } from '#schema/name/write-message.ts';
import { askDns, type DnsServer } from '../link/ask-dns.ts';
import type { Random } from '../process/random.ts';
import { limits } from './limits.ts';
import { LookUps, type Places } from './look-ups.ts';
import type { Resolver } from './resolve.ts';

export interface RecordQuestion extends Question {
  dnssecOk: boolean;
  checkingDisabled: boolean;
}

export interface RecordResolver {
  /** Undefined when no server answers in time, or too many questions wait. Never rejects. */
  ask(question: RecordQuestion, principal: string): Promise<Response | undefined>;
}

/** Milliseconds for one server, twice round: within the patience of the program that asks (5 s). */
const serverMs = 1_000;
const rounds = 2;
const mostServers = 2;
const dnsPort = 53;

/** @param servers `ADDR:PORT`; none = the system's. @param system knows names that no server does. */
export function createRecordResolver(
  servers: readonly string[],
  random: Random,
  places: Places = limits.recordLookUps,
  system?: Pick<Resolver, 'lookup'>,
): RecordResolver {
  const lookUps = new LookUps(places);
  return {
    async ask(question, principal) {
      const asked = lookUps.run(principal, () => askAll(serversNow(servers), question, random), serverMs);
      const answer = await asked;
      const response = answer === 'late' ? undefined : answer;
      if (response?.rcode === rcodes.NOERROR || !isAboutAddresses(question.type)) return response;
      const known = await system?.lookup(question.name, principal);
      return known?.ok ? there(question) : response;
    },
  };
}

const isAboutAddresses = (type: number): boolean => type === recordTypes.A || type === recordTypes.AAAA;

/** Clients answer with addresses of their own: that there are some is all they want to know. */
const there = (question: Question): Response => ({
  ...{ id: 0, rcode: rcodes.NOERROR, authoritative: false, truncated: false },
  ...{ question, answers: [], authority: [] },
});

async function askAll(
  servers: readonly DnsServer[],
  question: RecordQuestion,
  random: Random,
): Promise<Response | undefined> {
  let refusal: Response | undefined;
  for (let round = 0; round < rounds; round++) {
    for (const server of servers) {
      const response = await askOne(server, question, random).catch(() => undefined);
      if (response?.rcode === rcodes.NOERROR || response?.rcode === rcodes.NXDOMAIN) return response;
      refusal = response ?? refusal;
    }
    // A server that refuses would refuse again.
    if (refusal) return refusal;
  }
  return undefined;
}

async function askOne(server: DnsServer, question: RecordQuestion, random: Random) {
  const [high, low] = random(2);
  const id = (high! << 8) | low!;
  const byUdp = writeQuery({ ...question, id, question, udpPayload: ourUdpPayload });
  const short = readAnswer(await askDns(byUdp, server, { over: 'udp', timeoutMs: serverMs }), question);
  if (!short?.truncated) return short;
  const byTcp = writeQuery({ ...question, id, question, udpPayload: maxMessage });
  return readAnswer(await askDns(byTcp, server, { over: 'tcp', timeoutMs: serverMs }), question);
}

function readAnswer(bytes: Uint8Array, question: Question): Response | undefined {
  const response = parseResponse(bytes);
  return response && sameQuestion(response.question, question) ? response : undefined;
}

/** Read anew each time: resolv.conf may have changed. */
const serversNow = (configured: readonly string[]): DnsServer[] =>
  (configured.length > 0 ? configured : new SystemResolver().getServers())
    .slice(0, mostServers)
    .map(serverOf);

/** `ADDR`, `ADDR:PORT` or `[ADDR]:PORT`. */
function serverOf(text: string): DnsServer {
  const bracketed = /^\[(.+)\](?::(\d+))?$/.exec(text);
  if (bracketed) return { address: bracketed[1]!, port: Number(bracketed[2] ?? dnsPort) };
  const parts = text.split(':');
  return parts.length === 2
    ? { address: parts[0]!, port: Number(parts[1]) }
    : { address: text, port: dnsPort };
}
