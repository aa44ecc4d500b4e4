/** What a Security Policy lets pass, rule by rule, and when it stops doing so. */
import { describe, expect, test } from 'vitest';
import { type Circumstances, judgePolicy } from '#schema/policy/judge.ts';
import { openRules, type PolicyRules, policyRules } from '#schema/policy/rules.ts';

const hour = 3_600_000;
const now = 1_000 * hour;
const at = (more: Partial<Circumstances> = {}): Circumstances => ({
  now,
  startedAt: now - hour,
  authenticatedAt: now - 2 * hour,
  ...more,
});
const rules = (more: Partial<PolicyRules>): PolicyRules => ({ ...openRules, ...more });

describe('time', () => {
  test('a session lasts as long as the policy says, whatever its use', () => {
    const day = rules({ session_seconds: 86_400 });
    expect(judgePolicy(day, at())).toEqual({ ok: true, until: now + 23 * hour });
    expect(judgePolicy(day, at({ startedAt: now - 24 * hour }))).toEqual({ ok: false, reason: 'session' });
  });

  test('whichever ends first counts: the session, or how long ago somebody proved who they are', () => {
    const strict = rules({ reauthenticate_seconds: 3 * 3_600 });
    expect(judgePolicy(strict, at())).toEqual({ ok: true, until: now + hour });
    expect(judgePolicy(strict, at({ authenticatedAt: now - 3 * hour }))).toEqual({
      ok: false,
      reason: 'reauthenticate',
    });
  });
});

test.each<[string, Partial<PolicyRules>, Partial<Circumstances>, Partial<Circumstances>]>([
  ['acr', { acr: ['mfa', 'phr'] }, { acr: 'phr' }, { acr: 'pwd' }],
  ['amr', { amr: ['otp', 'hwk'] }, { amr: ['pwd', 'otp'] }, { amr: ['pwd'] }],
  ['idp_groups', { idp_groups: ['ops'] }, { idpGroups: ['ops', 'all'] }, { idpGroups: ['all'] }],
  ['networks', { networks: ['203.0.113.0/24'] }, { address: '203.0.113.9' }, { address: '198.51.100.9' }],
  ['networks', { networks: ['2001:db8::/32'] }, { address: '2001:db8::1' }, { address: '203.0.113.9' }],
  ['networks', { networks: ['203.0.113.0/24'] }, { address: '::ffff:203.0.113.9' }, { address: 'unknown' }],
  ['min_version', { min_version: '1.10' }, { version: '1.10.0' }, { version: '1.9.9' }],
  ['platforms', { platforms: ['linux'] }, { platform: 'linux' }, { platform: 'windows' }],
])('%s: what is asked for must be shown, and what is unknown shows nothing', (reason, asked, good, bad) => {
  expect(judgePolicy(rules(asked), at(good)).ok).toBe(true);
  expect(judgePolicy(rules(asked), at(bad))).toEqual({ ok: false, reason });
  expect(judgePolicy(rules(asked), at())).toEqual({ ok: false, reason });
});

test('of several that fail, time is told first: a fresh login may mend the others too', () => {
  const strict = rules({ session_seconds: 300, acr: ['mfa'] });
  expect(judgePolicy(strict, at())).toEqual({ ok: false, reason: 'session' });
});

test('rules that make no sense are refused', () => {
  for (const wrong of [
    { session_seconds: 10 },
    { min_version: 'new' },
    { platforms: ['amiga'] },
    { mfa: true },
  ])
    expect(policyRules.safeParse(wrong).success).toBe(false);
});
