/**
 * What the identity provider is asked for when a person logs in on a device, so that policies which want a
 * certain proof (`acr`) or a recent one can be satisfied at all: asking is no checking, that is done by
 * `#schema/policy/judge.ts` with what the provider answers. Before it come `authorize.ts` and `device.ts`.
 */
import { isNotNull } from 'drizzle-orm';
import { policies, resources } from '#schema/db/tables.ts';
import type { Scope } from '../scope.ts';

/** Values in one request. */
const mostValues = 20;

/**
 * The default policy first, then those that stand over Resources: one login serves all of them. How recent a
 * proof must be, only the default says for all; whoever wants more says it with their own request.
 * @param wanted seconds, of the Client itself.
 */
export async function askedProof(
  scope: Scope,
  wanted?: number,
): Promise<{ acrValues: string[]; maxAge: number | undefined }> {
  const [all, assigned] = await Promise.all([
    scope.select(policies),
    scope.countBy(resources, resources.policyId, isNotNull(resources.policyId)),
  ]);
  const [standard] = all.filter(({ isDefault }) => isDefault);
  const inUse = all.filter(({ id, isDefault }) => !isDefault && assigned.has(id));
  const acrValues = [...(standard ? [standard] : []), ...inUse].flatMap(({ rules }) => rules.acr);
  const ages = [wanted, standard?.rules.reauthenticate_seconds].filter((age) => typeof age === 'number');
  return {
    // The standard separates them by blanks.
    acrValues: [...new Set(acrValues)].filter((value) => !/\s/.test(value)).slice(0, mostValues),
    maxAge: ages.length === 0 ? undefined : Math.min(...ages),
  };
}
