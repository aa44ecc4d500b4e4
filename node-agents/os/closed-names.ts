/**
 * Keeps questions for protected names from every resolver but ours, in the kernel (nftables, table
 * `sallyport`), where it outlives a kill: while the daemon is gone, and its device with it, programs learn at
 * once that such a name cannot be resolved, and no resolver hears of it; all other questions pass. While the
 * daemon runs it stops those that would go past it: of C libraries that ask all resolvers at the same time, of
 * sockets that are bound to another device, and the second try after ours could not say.
 *
 *   output, forward  port 53 → udp, tcp
 *   udp, tcp         the daemon's own, into the device, to our resolver, names of ours: accept
 *                    protected names → refused
 *   alive            for a moment: a resolver on loopback that hands ours to us may be asked
 *   refused          udp: ICMP port unreachable (ECONNREFUSED); tcp: RST
 */
import { SallyportError } from '#schema/errors.ts';
import { type Ip, networkOf, type Prefix } from '#schema/name/ip.ts';
import { prefixOf } from '#schema/resource/address.ts';
import { wordsOf } from './errno.ts';
import { type Piece, waysToMatch } from './name-bytes.ts';
import * as nft from './nft.ts';
import { ownMark } from './route-plan.ts';

export const closedNamesTable = 'sallyport';

export interface ClosedNames {
  device: string;
  /** Addresses of Resources, canonical; those that are no names are passed over. */
  patterns: Iterable<string>;
  /** Names that are nobody's but everybody's, whatever a pattern says. */
  exempt: Iterable<string>;
  /** Where our resolver listens. */
  resolver: readonly Ip[];
  /**
   * A resolver on loopback hands what is ours to us (systemd-resolved), and may be asked until then, by the host's
   * clock (`stayAlive`): afterwards it would leave programs without an answer. Absent: it may not.
   */
  loopbackUntilMs?: number;
  /** Whose questions, on their way through this host, are looked at too. */
  networks: readonly Prefix[];
}

/** Each costs a question that passes some 50 ns; a name takes one, a wildcard some 240. */
export const mostWays = 8_192;

/**
 * Replaces what was closed before.
 * @returns how many names had no place. @throws SallyportError routes_failed where the kernel takes none of it.
 */
export function closeNames(names: ClosedNames): number {
  const { ways, left } = allWays(names.patterns);
  const code = nft.replaceTable(closedNamesTable, chainsOf(names, ways));
  if (code !== 0) throw new SallyportError('routes_failed', `nftables: ${wordsOf(code)}`);
  return left;
}

/** @returns whether that was possible: not where somebody has removed the table. */
export const stayAlive = (untilMs: number): boolean =>
  nft.replaceRules(closedNamesTable, 'alive', aliveUntil(untilMs)) === 0;

/** Whether anything is. */
export const namesClosed = (): boolean => nft.findTable(closedNamesTable) === 0;

/** That nothing was closed is no failure, nor that the kernel cannot. */
export function openNames(): void {
  nft.replaceTable(closedNamesTable, []);
}

const udp = 17;
const tcp = 6;
/** Before a container's own resolver is put in the place of the one asked (NAT, -100). */
const priority = -150;
/** Of a message; by TCP its length stands in front of it. */
const dnsHeader = 12;
const udpHeader = 8;

/** The short ones first: a name that is spelt out is never left out for a wildcard. */
function allWays(patterns: Iterable<string>): { ways: Piece[][]; left: number } {
  const names = [...new Set(patterns)].filter((pattern) => prefixOf(pattern) === undefined);
  const each = names.map(waysToMatch);
  each.sort((a, b) => a.length - b.length);
  const ways: Piece[][] = [];
  let taken = 0;
  for (const one of each) {
    if (ways.length + one.length > mostWays) break;
    ways.push(...one);
    taken++;
  }
  return { ways, left: names.length - taken };
}

const aliveUntil = (ms: number): nft.Expression[][] => [[...nft.known.before(ms), nft.accept()]];

function chainsOf(names: ClosedNames, ways: readonly Piece[][]): nft.Chain[] {
  const { device, resolver, loopbackUntilMs, networks, exempt } = names;
  const passing = [
    nft.known.mark(ownMark),
    nft.known.device(device),
    ...resolver.map(({ family, bytes }) => [
      ...nft.known.family(family),
      ...nft.bytesAre('network', family === 4 ? 16 : 24, bytes),
    ]),
  ];
  const looking = (base: nft.Base, start: number) => {
    const matching = (pieces: readonly Piece[]) => pieces.flatMap((piece) => compared(base, start, piece));
    const open = [...exempt].flatMap(waysToMatch).map(matching);
    return [
      ...[...passing, ...open].map((match) => [...match, nft.accept()]),
      ...(loopbackUntilMs === undefined ? [] : [[...nft.known.device('lo'), nft.jump('alive')]]),
      ...ways.map((pieces) => [...matching(pieces), nft.goto('refused')]),
    ];
  };
  const asks = (protocol: number): nft.Expression[] => [
    ...nft.known.protocol(protocol),
    ...nft.bytesAre('transport', 2, Uint8Array.of(0, 53)),
  ];
  const sorted = (from: readonly nft.Expression[]) => [
    [...from, ...asks(udp), nft.jump('udp')],
    [...from, ...asks(tcp), nft.jump('tcp')],
  ];
  return [
    { name: 'refused', rules: [[...nft.known.protocol(tcp), nft.reset()], [nft.portUnreachable()]] },
    { name: 'alive', rules: aliveUntil(loopbackUntilMs ?? 0) },
    { name: 'udp', rules: looking('transport', udpHeader + dnsHeader) },
    { name: 'tcp', rules: looking('inner', 2 + dnsHeader) },
    { name: 'output', hook: { at: 'output', priority }, rules: sorted([]) },
    ...(networks.length === 0
      ? []
      : [
          {
            ...{ name: 'forward', hook: { at: 'forward', priority } as const },
            rules: networks.flatMap((network) => sorted(comesFrom(network))),
          },
        ]),
  ];
}

function compared(base: nft.Base, start: number, piece: Piece): nft.Expression[] {
  return partsOf(piece).flatMap(({ at, length, comparison }) => [
    nft.load(base, start + piece.offset + at, length),
    ...comparison,
  ]);
}

/** The same for all places where the end of a wildcard may be. */
function partsOf({ value, mask }: Piece): Part[] {
  const made = parts.get(value);
  if (made) return made;
  const all: Part[] = [];
  for (let at = 0; at < value.length; at += nft.mostCompared) {
    const [is, under] = [value, mask].map((bytes) => bytes.subarray(at, at + nft.mostCompared));
    all.push({ at, length: is!.length, comparison: nft.areUnder(under!, is!) });
  }
  parts.set(value, all);
  return all;
}

interface Part {
  at: number;
  length: number;
  comparison: nft.Expression[];
}

const parts = new WeakMap<Uint8Array, Part[]>();

function comesFrom(network: Prefix): nft.Expression[] {
  const { ip, length } = networkOf(network);
  const mask = ip.bytes.map((_, i) => (0xff << (8 - Math.min(8, Math.max(0, length - 8 * i)))) & 0xff);
  return [
    ...nft.known.family(ip.family),
    nft.load('network', ip.family === 4 ? 12 : 8, mask.length),
    ...nft.areUnder(mask, ip.bytes),
  ];
}
