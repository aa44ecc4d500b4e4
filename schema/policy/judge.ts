/**
 * Whether a person's session on a device satisfies a policy, and until when it will. Pure: the Controller
 * asks it when it compiles a Client ACL, `explain` when somebody wants to know why.
 */
import { contains, parseIp, parsePrefix } from '#schema/name/ip.ts';
import type { PolicyRules } from './rules.ts';

/** What is known of a session, and where its Client is now. */
export interface Circumstances {
  /** Milliseconds since the epoch. */
  now: number;
  /** When the session began. */
  startedAt: number;
  /** When the identity provider last saw the person prove who they are. */
  authenticatedAt: number;
  acr?: string | undefined;
  amr?: readonly string[] | undefined;
  /** By the identity provider's own names. */
  idpGroups?: readonly string[] | undefined;
  address?: string | null | undefined;
  version?: string | null | undefined;
  platform?: string | null | undefined;
}

/** The rule that is not satisfied. */
export type PolicyReason =
  | 'session'
  | 'reauthenticate'
  | 'acr'
  | 'amr'
  | 'idp_groups'
  | 'networks'
  | 'min_version'
  | 'platforms';

export type PolicyVerdict =
  /** `until`: milliseconds since the epoch at which time alone will end it. */
  { ok: true; until: number } | { ok: false; reason: PolicyReason };

export function judgePolicy(rules: PolicyRules, at: Circumstances): PolicyVerdict {
  const sessionEnds = at.startedAt + rules.session_seconds * 1000;
  const proofEnds =
    rules.reauthenticate_seconds === null
      ? Number.POSITIVE_INFINITY
      : at.authenticatedAt + rules.reauthenticate_seconds * 1000;
  const failed = checks.find(([, holds]) => !holds(rules, at));
  if (sessionEnds <= at.now) return { ok: false, reason: 'session' };
  if (proofEnds <= at.now) return { ok: false, reason: 'reauthenticate' };
  return failed ? { ok: false, reason: failed[0] } : { ok: true, until: Math.min(sessionEnds, proofEnds) };
}

/** An empty list asks for nothing; what is not known satisfies nothing. */
const anyOf = (wanted: readonly string[], had: readonly string[]): boolean =>
  wanted.length === 0 || wanted.some((one) => had.includes(one));

const checks: readonly [PolicyReason, (rules: PolicyRules, at: Circumstances) => boolean][] = [
  ['acr', ({ acr }, at) => anyOf(acr, at.acr === undefined ? [] : [at.acr])],
  ['amr', ({ amr }, at) => anyOf(amr, at.amr ?? [])],
  ['idp_groups', ({ idp_groups }, at) => anyOf(idp_groups, at.idpGroups ?? [])],
  ['networks', ({ networks }, at) => networks.length === 0 || comesFrom(networks, at.address)],
  ['min_version', ({ min_version }, at) => min_version === null || isAtLeast(at.version, min_version)],
  ['platforms', ({ platforms }, at) => anyOf(platforms, at.platform ? [at.platform] : [])],
];

function comesFrom(networks: readonly string[], address: string | null | undefined): boolean {
  const ip = parseIp(address ?? '');
  if (ip === undefined) return false;
  return networks.some((network) => {
    const prefix = parsePrefix(network);
    return prefix !== undefined && contains(prefix, ip);
  });
}

function isAtLeast(version: string | null | undefined, least: string): boolean {
  const has = /^(\d+)(?:\.(\d+))?(?:\.(\d+))?/.exec(version ?? '');
  if (!has) return false;
  const wants = least.split('.').map(Number);
  for (let at = 0; at < 3; at++) {
    const difference = Number(has[at + 1] ?? 0) - (wants[at] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}
