/** What the Security Policy over a Resource says of a person's logins. */
import type { userSessions } from '#schema/db/tables.ts';
import { judgePolicy } from '#schema/policy/judge.ts';
import { circumstancesOf, policyOver } from '../../agents/compile-acl.ts';
import type { Configuration } from '../../agents/read-configuration.ts';
import type { Row } from '../../scope.ts';
import type { Finding } from './shape.ts';

/** Satisfied where one login is. */
export function policyFinding(
  configuration: Configuration,
  policyId: string | null,
  sessions: readonly Row<typeof userSessions>[],
): Finding {
  const check = 'policy';
  const policy = policyOver(configuration, policyId);
  if (!policy) return { check, ok: true, detail: 'no Security Policy stands over this Resource' };
  if (sessions.length === 0)
    return { check, ok: false, code: 'policy_denied', detail: `${policy.name} asks for a login` };
  const verdicts = sessions.map((session) => ({
    on: session.hostname ?? 'a device',
    verdict: judgePolicy(policy.rules, circumstancesOf(session, configuration.now)),
  }));
  const said = verdicts.map(
    ({ on, verdict }) => `${on}: ${verdict.ok ? 'satisfied' : `rule ${verdict.reason}`}`,
  );
  const detail = `${policy.name}: ${said.join('; ')}`;
  return verdicts.some(({ verdict }) => verdict.ok)
    ? { check, ok: true, detail }
    : { check, ok: false, code: 'policy_denied', detail };
}
