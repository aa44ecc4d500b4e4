/**
 * What may be presented once: ids of assertions and proofs, kept until the token they came in can no longer
 * pass anyway. `clean.ts` drops them afterwards.
 */
import { usedJtis } from '#schema/db/tables.ts';
import { clockTolerance, tokenKinds } from '#schema/token/kinds.ts';
import type { Ports } from '../ports.ts';

/** A proof is accepted this long before and after its time, an assertion shorter. */
const keptMs = 2 * (tokenKinds.proof.lifetime + clockTolerance) * 1000;

/**
 * @param ids each with what it is unique under (`kind:who:jti`), so that nobody can use up another's.
 * @returns false when one of them had been used before.
 */
export async function useOnce(
  { database, clock }: Ports,
  ids: readonly [string, ...string[]],
): Promise<boolean> {
  const expiresAt = clock() + keptMs;
  const fresh = await database
    .insert(usedJtis)
    .values(ids.map((jti) => ({ jti, expiresAt })))
    .onConflictDoNothing()
    .returning({ jti: usedJtis.jti });
  return fresh.length === ids.length;
}
