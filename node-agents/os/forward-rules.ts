/**
 * Whether a firewall drops what a gateway forwards to and from the device, as far as its rules tell: Docker sets the
 * policy of FORWARD to drop, others end it with a rule that refuses. Read by `nft`, or by `iptables` where rules are
 * of the old kind; a host that has neither program is taken to have no such firewall. Changes nothing.
 */
import { execFile } from 'node:child_process';
import type { Family } from './ip.ts';

export interface Dropping {
  /** `ip filter FORWARD` */
  chain: string;
  /** Commands that let the device's packets pass. */
  remedy: string;
}

/** Empty where nothing is known to stand in the way. */
export async function forwardingDropped(device: string, families: readonly Family[]): Promise<Dropping[]> {
  const found = droppingChains(await run('nft', '-j', 'list', 'ruleset'), device, families);
  for (const family of families) {
    const command = family === 4 ? 'iptables-legacy' : 'ip6tables-legacy';
    found.push(...droppingLegacy(await run(command, '-S'), command, device));
  }
  return found;
}

interface Chain {
  family: string;
  table: string;
  name: string;
  hook?: string;
  policy?: string;
}

interface Rule {
  family: string;
  table: string;
  chain: string;
  expr: Record<string, unknown>[];
}

/** @param text what `nft -j list ruleset` prints. */
export function droppingChains(text: string, device: string, families: readonly Family[]): Dropping[] {
  if (text === '') return [];
  const { nftables = [] } = JSON.parse(text) as { nftables?: { chain?: Chain; rule?: Rule }[] };
  const chains = nftables.flatMap(({ chain }) => chain ?? []);
  const rules = nftables.flatMap(({ rule }) => rule ?? []);
  const concerned = ['inet', ...families.map((family) => (family === 4 ? 'ip' : 'ip6'))];
  return chains.flatMap((chain) => {
    const { family, table, name } = chain;
    const beside = rules.filter((rule) => rule.family === family && rule.table === table);
    if (chain.hook !== 'forward' || !concerned.includes(family) || !closes(chain, beside)) return [];
    // Whoever has written a rule for the device has thought of it.
    if (beside.some(({ expr }) => JSON.stringify(expr).includes(device.slice(0, 9)))) return [];
    const docker = chains.some((one) => one.family === family && one.name === 'DOCKER-USER');
    return [
      {
        chain: `${family} ${table} ${name}`,
        remedy: docker ? dockerRemedy(family, device) : nftRemedy(chain, device),
      },
    ];
  });
}

/** @param text what `iptables-legacy -S` prints. */
export function droppingLegacy(text: string, command: string, device: string): Dropping[] {
  if (!/^-P FORWARD DROP$/m.test(text) || text.includes(device)) return [];
  const chain = text.includes('-N DOCKER-USER') ? 'DOCKER-USER' : 'FORWARD';
  return [{ chain: `${command} FORWARD`, remedy: insertions(command.replace('-legacy', ''), chain, device) }];
}

/** By its policy, or by a last rule that asks nothing of a packet. */
function closes({ name, policy }: Chain, rules: readonly Rule[]): boolean {
  const last = rules.findLast(({ chain }) => chain === name);
  const always = last?.expr.every((one) => Object.keys(one).every((key) => unconditional.has(key)));
  return policy === 'drop' || (always === true && last!.expr.some((one) => 'drop' in one || 'reject' in one));
}

const unconditional: ReadonlySet<string> = new Set(['counter', 'log', 'drop', 'reject']);

const nftRemedy = ({ family, table, name }: Chain, device: string): string =>
  ['iifname', 'oifname']
    .map((where) => `nft insert rule ${family} ${table} ${name} ${where} ${device} accept`)
    .join('; ');

const dockerRemedy = (family: string, device: string): string =>
  insertions(family === 'ip6' ? 'ip6tables' : 'iptables', 'DOCKER-USER', device);

const insertions = (command: string, chain: string, device: string): string =>
  ['-i', '-o'].map((where) => `${command} -I ${chain} ${where} ${device} -j ACCEPT`).join('; ');

/** Rulesets of many thousands of rules. */
const mostOutput = 64 * 1024 * 1024;

/** What it prints; nothing where it cannot be run. */
function run(command: string, ...args: string[]): Promise<string> {
  const env = { PATH: '/usr/sbin:/sbin:/usr/bin:/bin', LC_ALL: 'C' };
  return new Promise((resolve) => {
    execFile(command, args, { timeout: 10_000, maxBuffer: mostOutput, env }, (error, stdout) =>
      resolve(error === null ? stdout : ''),
    );
  });
}
