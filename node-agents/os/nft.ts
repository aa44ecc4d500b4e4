/**
 * Tables of nftables, as netlink carries them (linux/netfilter/nf_tables.h): so much of them as `closed-names.ts`
 * uses. Needs CAP_NET_ADMIN and a kernel with nf_tables, and no program `nft`, which lists what is set here.
 */
import {
  attribute,
  be32,
  type Message,
  messageFlags,
  nested,
  netlinkProtocols,
  request,
  zeroEnded,
} from './netlink.ts';

/** One step of a rule: it loads, compares, or says what becomes of the packet. */
export type Expression = Uint8Array;

export interface Chain {
  name: string;
  /** Of all packets that come by here; absent: of those that other chains send. */
  hook?: { at: keyof typeof hooks; priority: number };
  rules: readonly (readonly Expression[])[];
}

const hooks = { forward: 2, output: 3 } as const;
/** Where a packet's bytes are counted from. */
const bases = { network: 1, transport: 2, inner: 3 } as const;
export type Base = keyof typeof bases;

/** The kernel compares so many bytes at once (struct nft_data). */
export const mostCompared = 16;

/**
 * Replaces the table of this name, of family inet, in one step: at no moment is there none of it.
 * @param chains those that others lead to first; none: the table is removed.
 * @returns the errno of what the kernel refused, 0 when nothing; then nothing is changed.
 */
export function replaceTable(table: string, chains: readonly Chain[]): number {
  const named = attribute(NFTA_TABLE_NAME, zeroEnded(table));
  const messages = [message(NEWTABLE, create, named), message(DELTABLE, 0, named)];
  if (chains.length > 0) messages.push(message(NEWTABLE, create, named));
  for (const { name, hook } of chains) messages.push(newChain(table, name, hook));
  for (const { name, rules } of chains) for (const rule of rules) messages.push(newRule(table, name, rule));
  return carryOut(messages);
}

/** @returns the errno of the kernel, 0 where there is such a table. */
export function findTable(table: string): number {
  const asked = message(GETTABLE, messageFlags.ack, attribute(NFTA_TABLE_NAME, zeroEnded(table)));
  return request(netlinkProtocols.netfilter, [asked]);
}

/**
 * Replaces the rules of one chain that others lead to.
 * @returns the errno of the kernel: ENOENT where there is no such table or chain, 0 when it is done.
 */
export function replaceRules(table: string, chain: string, rules: Chain['rules']): number {
  const emptied = message(DELRULE, 0, attribute(1, zeroEnded(table)), attribute(2, zeroEnded(chain)));
  return carryOut([emptied, ...rules.map((rule) => newRule(table, chain, rule))]);
}

/** The bytes there are these. */
export const bytesAre = (base: Base, offset: number, value: Uint8Array): Expression[] => [
  load(base, offset, value.length),
  equals(value),
];

export const load = (base: Base, offset: number, length: number): Expression =>
  expression(
    'payload',
    ...[attribute(1, be32(REG_1)), attribute(2, be32(bases[base]))],
    ...[attribute(3, be32(offset)), attribute(4, be32(length))],
  );

/** What was loaded, under a mask, is this. */
export const areUnder = (mask: Uint8Array, value: Uint8Array): Expression[] => [masked(mask), equals(value)];

/** What the kernel knows of a packet besides its bytes. */
export const known = {
  mark: (mark: number): Expression[] => [meta(3), equals(inHostOrder(mark))],
  /** Where it goes out. */
  device: (name: string): Expression[] => [
    meta(7),
    equals(Buffer.alloc(16).fill(name, 0, name.length, 'latin1')),
  ],
  family: (family: 4 | 6): Expression[] => [meta(15), equals(Uint8Array.of(family === 4 ? 2 : 10))],
  /** By the host's clock, milliseconds since 1970. */
  before: (ms: number): Expression[] => [meta(30), bigEndian(8), compared(2, be64(BigInt(ms) * 1_000_000n))],
  protocol: (protocol: number): Expression[] => [meta(16), equals(Uint8Array.of(protocol))],
} as const;

export const accept = (): Expression => verdict(1);
export const jump = (chain: string): Expression => verdict(-3, chain);
export const goto = (chain: string): Expression => verdict(-4, chain);
/** To a packet of TCP. */
export const reset = (): Expression =>
  expression('reject', attribute(1, be32(1)), attribute(2, Uint8Array.of(0)));
/** ICMP of the packet's family. */
export const portUnreachable = (): Expression =>
  expression('reject', attribute(1, be32(2)), attribute(2, Uint8Array.of(1)));

const NFNL_SUBSYS_NFTABLES = 10;
const BATCH_BEGIN = 0x10;
const BATCH_END = 0x11;
const NEWTABLE = 0;
const GETTABLE = 1;
const DELTABLE = 2;
const NEWCHAIN = 3;
const NEWRULE = 6;
const DELRULE = 8;
const NFTA_TABLE_NAME = 1;
const NFPROTO_UNSPEC = 0;
const NFPROTO_INET = 1;
const REG_VERDICT = 0;
const REG_1 = 1;
const { create, append } = messageFlags;

/** All of them or none. */
function carryOut(messages: Message[]): number {
  messages.at(-1)!.flags |= messageFlags.ack;
  const batch = [
    { type: BATCH_BEGIN, flags: messageFlags.request, body: batchHeader },
    ...messages,
    { type: BATCH_END, flags: messageFlags.request, body: batchHeader },
  ];
  return request(netlinkProtocols.netfilter, batch);
}

/** struct nfgenmsg */
const header = (family: number, resource: number) => Uint8Array.of(family, 0, resource >> 8, resource & 0xff);
const batchHeader = header(NFPROTO_UNSPEC, NFNL_SUBSYS_NFTABLES);

const message = (type: number, flags: number, ...attributes: Uint8Array[]): Message => ({
  type: (NFNL_SUBSYS_NFTABLES << 8) | type,
  flags: messageFlags.request | flags,
  body: Buffer.concat([header(NFPROTO_INET, 0), ...attributes]),
});

function newChain(table: string, name: string, hook: Chain['hook']): Message {
  const named = [attribute(1, zeroEnded(table)), attribute(3, zeroEnded(name))];
  if (!hook) return message(NEWCHAIN, create, ...named);
  const at = nested(4, attribute(1, be32(hooks[hook.at])), attribute(2, be32(hook.priority)));
  return message(NEWCHAIN, create, ...named, at, attribute(7, zeroEnded('filter')));
}

const newRule = (table: string, chain: string, expressions: readonly Expression[]): Message =>
  message(
    NEWRULE,
    create | append,
    attribute(1, zeroEnded(table)),
    attribute(2, zeroEnded(chain)),
    nested(4, ...expressions),
  );

const expression = (name: string, ...data: Uint8Array[]): Expression =>
  nested(1, attribute(1, zeroEnded(name)), nested(2, ...data));

const meta = (key: number): Expression =>
  expression('meta', attribute(1, be32(REG_1)), attribute(2, be32(key)));

const equals = (value: Uint8Array): Expression => compared(0, value);

const compared = (operation: number, value: Uint8Array): Expression =>
  expression('cmp', attribute(1, be32(REG_1)), attribute(2, be32(operation)), nested(3, attribute(1, value)));

/** A number that the kernel has in the host's order, so that it can be compared by its bytes. */
const bigEndian = (bytes: number): Expression =>
  expression(
    'byteorder',
    ...[attribute(1, be32(REG_1)), attribute(2, be32(REG_1)), attribute(3, be32(1))],
    ...[attribute(4, be32(bytes)), attribute(5, be32(bytes))],
  );

function be64(value: bigint): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
}

const masked = (mask: Uint8Array): Expression =>
  expression(
    'bitwise',
    attribute(1, be32(REG_1)),
    attribute(2, be32(REG_1)),
    attribute(3, be32(mask.length)),
    nested(4, attribute(1, mask)),
    nested(5, attribute(1, new Uint8Array(mask.length))),
  );

const verdict = (code: number, chain?: string): Expression =>
  expression(
    'immediate',
    attribute(1, be32(REG_VERDICT)),
    nested(
      2,
      nested(2, attribute(1, be32(code)), ...(chain === undefined ? [] : [attribute(2, zeroEnded(chain))])),
    ),
  );

function inHostOrder(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
