/**
 * How an agent's request is refused: a problem document that tells no more than whoever asks may know, with
 * the Controller's time in it, and the true reason in the log. Failures are counted by caller, successes
 * never: any number of instances may log in with one key at once. Nor is what an honest agent may run into and
 * mends by itself: strangers who share its address must not keep it from hearing how.
 */
import type { ErrorCode, Refusal } from '#schema/errors.ts';
import { type Call, callerAddress } from '../context.ts';
import { problem } from '../problem.ts';

/** A refusal, and why in truth: for the log alone. */
export interface AgentRefusal<C extends ErrorCode = ErrorCode> extends Refusal<C> {
  reason: string;
}

export const refuseAgent = <C extends ErrorCode>(
  code: C,
  reason: string,
  detail?: string,
): AgentRefusal<C> => ({
  ok: false,
  code,
  reason,
  ...(detail !== undefined && { detail }),
});

/** A wrong clock, a token that is old or used: the answer is what helps. A dead credential: it must hear that. */
const neverCounted: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  ...(['clock_skew', 'token_expired', 'token_invalid', 'token_replayed', 'wrong_audience'] as const),
  ...(['key_revoked', 'key_expired', 'connector_revoked', 'relay_revoked'] as const),
  ...(['enrolment_used', 'enrolment_expired'] as const),
]);

/** @param who the id that the agent claims, if it claims one. */
export async function answerRefusal(c: Call, refusal: AgentRefusal, who?: string): Promise<Response> {
  const { clock, limiter, log } = c.get('ports');
  const address = callerAddress(c) ?? 'unknown';
  log('info', 'agent_refused', {
    request_id: c.get('requestId'),
    tenant: c.get('tenant')?.id,
    path: c.req.routePath,
    agent: who,
    code: refusal.code,
    reason: refusal.reason,
    address,
  });
  if (!neverCounted.has(refusal.code) && !(await limiter.allow('failed_login', address))) {
    return problem(c, 'rate_limited', undefined, {}, { 'Retry-After': '10' });
  }
  return problem(c, refusal.code, refusal.detail, {
    now: clock(),
    ...(c.req.routePath.endsWith('/token') && { error: oauthError(refusal.code) }),
  });
}

/** RFC 6749 §5.2 and RFC 9449 §5. */
const oauthError = (code: ErrorCode): string =>
  code === 'bad_request' || code === 'validation_failed'
    ? 'invalid_request'
    : code === 'proof_invalid'
      ? 'invalid_dpop_proof'
      : 'invalid_client';
