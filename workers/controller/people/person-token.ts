/**
 * POST /oauth/token with a code of a redirect (RFC 6749 §4.1.3) or of a device (RFC 8628 §3.4): a session for
 * the device whose key signs the proof. A session is no token: the person's Client logs in with it as a
 * machine's does with its Service Key (`../agents/token.ts`), for as long as the session lives.
 */
import { eq } from 'drizzle-orm';
import { z } from 'zod';
import { type PublicJwk, paths } from '#schema/control/login.ts';
import { loginCodes } from '#schema/db/tables.ts';
import { type ErrorCode, type Refusal, refuse, type Verdict } from '#schema/errors.ts';
import { verifyProof } from '#schema/token/proof.ts';
import { addressedUrl } from '../agents/addressed.ts';
import { useOnce } from '../agents/single-use.ts';
import { tooMany } from '../authenticate.ts';
import { type Call, callerAddress, type Tenant } from '../context.ts';
import { iso } from '../fields.ts';
import { problem } from '../problem.ts';
import { type Row, scopeOf } from '../scope.ts';
import { base64url, hashOf, isSecret, sameText } from '../secret.ts';
import { tenantUrl } from '../tenant.ts';
import { clientId } from './authorize.ts';
import { pollSeconds } from './device.ts';
import { notValid, redeemCode } from './login-code.ts';

export const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code';

const form = z.discriminatedUnion('grant_type', [
  z.object({
    grant_type: z.literal('authorization_code'),
    client_id: z.literal(clientId),
    code: z.string().max(128),
    redirect_uri: z.string().max(256),
    code_verifier: z.string().regex(/^[\w\-.~]{43,128}$/),
  }),
  z.object({
    grant_type: z.literal(deviceGrant),
    client_id: z.literal(clientId),
    device_code: z.string().max(128),
  }),
]);
type Form = z.output<typeof form>;
type Code = Row<typeof loginCodes>;

/** @returns undefined where the form is not a person's. */
export async function personToken(c: Call, fields: Record<string, unknown>): Promise<Response | undefined> {
  const grant = fields['grant_type'];
  if (grant !== 'authorization_code' && grant !== deviceGrant) return undefined;
  const tenant = c.get('tenant');
  if (!tenant) return problem(c, 'tenant_unknown');
  const asked = form.safeParse(fields);
  if (!asked.success) {
    const { path, message } = asked.error.issues[0]!;
    return problem(c, 'bad_request', `${path.join('.')}: ${message}`);
  }
  const { log, limiter } = c.get('ports');
  const answer = await answerTo(c, tenant, asked.data);
  if (answer.ok) return c.json(answer.body, 200, { 'Cache-Control': 'no-store' });
  const waits = answer.code === 'authorization_pending' || answer.code === 'slow_down';
  if (!waits) {
    log('info', 'login_code_refused', {
      request_id: c.get('requestId'),
      code: answer.code,
      reason: answer.detail,
    });
    if (!(await limiter.allow('failed_login', callerAddress(c) ?? 'unknown'))) return tooMany(c);
  }
  return problem(c, answer.code, answer.detail, { error: oauthErrors[answer.code] ?? 'invalid_grant' });
}

/** What clients of the standard look at (RFC 6749 §5.2, RFC 8628 §3.5). */
const oauthErrors: Partial<Record<ErrorCode, string>> = {
  authorization_pending: 'authorization_pending',
  slow_down: 'slow_down',
  access_denied: 'access_denied',
  proof_invalid: 'invalid_dpop_proof',
};

async function answerTo(c: Call, tenant: Tenant, asked: Form): Promise<Verdict<{ body: object }>> {
  const ports = c.get('ports');
  const now = ports.clock();
  const scope = scopeOf(ports.database, tenant.id);
  const proof = await proofOf(c, paths.token);
  if (!proof.ok) return proof;
  const shown = asked.grant_type === 'authorization_code' ? asked.code : asked.device_code;
  if (!isSecret('spl', shown)) return notValid;
  const code = await scope.find(loginCodes, eq(loginCodes.hash, await hashOf(shown)));
  const kind = asked.grant_type === 'authorization_code' ? 'redirect' : 'device';
  if (!code || code.kind !== kind || code.expiresAt <= now) return notValid;
  if (!sameText(code.jkt, proof.jkt))
    return refuse('proof_invalid', 'by another key than the one that asked');
  const refusal = await unsettled(c, asked, code);
  if (refusal) return refusal;
  const redeemed = await redeemCode(
    { ports, scope, now, requestId: c.get('requestId'), address: callerAddress(c) },
    code,
    proof.publicJwk,
  );
  if (!redeemed.ok) return redeemed;
  const { session, user } = redeemed;
  ports.log('info', 'user_session_started', {
    request_id: c.get('requestId'),
    tenant: tenant.id,
    user: user.id,
    session: session.id,
  });
  return {
    ok: true,
    body: {
      token_type: 'urn:sallyport:user-session',
      session_id: session.id,
      user_id: user.id,
      user_name: user.userName,
      network: tenantUrl(ports.settings, tenant),
      expires_at: iso(session.expiresAt),
    },
  };
}

/** Why it cannot be redeemed yet, or by this. */
async function unsettled(c: Call, asked: Form, code: Code): Promise<Refusal | undefined> {
  const { database, clock } = c.get('ports');
  if (asked.grant_type === 'authorization_code') {
    const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(asked.code_verifier));
    const holds = sameText(base64url(new Uint8Array(digest)), code.challenge ?? '');
    return holds && asked.redirect_uri === code.redirectUri ? undefined : notValid;
  }
  if (code.deniedAt !== null) return refuse('access_denied');
  if (code.userId !== null) return undefined;
  const now = clock();
  const tooSoon = code.polledAt !== null && now - code.polledAt < (pollSeconds - 1) * 1000;
  await scopeOf(database, code.tenantId).update(
    loginCodes,
    { polledAt: now },
    eq(loginCodes.hash, code.hash),
  );
  return refuse(tooSoon ? 'slow_down' : 'authorization_pending');
}

/** The key of the device, proven (RFC 9449), and used once. */
export async function proofOf(
  c: Call,
  path: string,
): Promise<Verdict<{ jkt: string; publicJwk: PublicJwk }>> {
  const proof = c.req.header('dpop');
  if (proof === undefined) return refuse('proof_invalid', 'no DPoP header');
  const ports = c.get('ports');
  const verified = await verifyProof(proof, {
    method: 'POST',
    url: addressedUrl(c, path),
    nowMs: ports.clock(),
  });
  if (!verified.ok) return verified;
  if (!(await useOnce(ports, [`proof:${verified.jkt}:${verified.jti}`]))) return refuse('token_replayed');
  return verified;
}

export async function readForm(c: Call): Promise<Record<string, unknown>> {
  const type = c.req.header('content-type') ?? '';
  if (!type.toLowerCase().startsWith('application/x-www-form-urlencoded')) return {};
  return Object.fromEntries(new URLSearchParams(await c.req.text()));
}
