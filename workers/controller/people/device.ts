/**
 * The device authorization grant (RFC 8628), for a Client without a browser: POST /oauth/device_authorization
 * gives it a code for itself and one for the person; at GET /device the person types theirs, logs in, sees
 * which device it is and from where, and lets it in or not. Afterwards `person-token.ts`.
 */
import { and, eq } from 'drizzle-orm';
import { html } from 'hono/html';
import { z } from 'zod';
import { loginCodes, users } from '#schema/db/tables.ts';
import { tooMany } from '../authenticate.ts';
import { type Call, type Controller, callerAddress, type Tenant } from '../context.ts';
import { problem } from '../problem.ts';
import { scopeOf } from '../scope.ts';
import { hashOf, mintSecret } from '../secret.ts';
import { tenantUrl } from '../tenant.ts';
import { askedProof } from './asked-proof.ts';
import { aboutDevice, clientId } from './authorize.ts';
import { isSameOrigin, readLoginCookie, writeLoginCookie } from './cookies.ts';
import type { Finished } from './finish-login.ts';
import { sendToLogin, withTenant } from './login.ts';
import { approve, loginMs, openCode } from './login-code.ts';
import { page, refusalPage } from './page.ts';
import { loginPaths } from './paths.ts';
import { proofOf, readForm } from './person-token.ts';

/** Seconds between two questions of a device (RFC 8628 §3.5). */
export const pollSeconds = 5;
/** Without vowels and what looks alike (RFC 8628 §6.1): 20^8 codes. */
const alphabet = 'BCDFGHJKLMNPQRSTVWXZ';

const request = z.object({ client_id: z.literal(clientId), ...aboutDevice });
/** What the person is shown and what they approve are one: sealed into the form, good in this browser alone. */
const approval = z.object({
  request: z.string(),
  user: z.string(),
  authentication: z.unknown(),
  browser: z.string(),
  until: z.number(),
});
const approvalContext = 'device approval';

export function mountDevice(app: Controller): void {
  app.post(loginPaths.deviceAuthorization, (c) =>
    withTenant(c, async (tenant) => {
      const asked = request.safeParse(await readForm(c));
      if (!asked.success) {
        const { path, message } = asked.error.issues[0]!;
        return problem(c, 'bad_request', `${path.join('.')}: ${message}`);
      }
      const proof = await proofOf(c, loginPaths.deviceAuthorization);
      if (!proof.ok) return problem(c, proof.code, proof.detail);
      const ports = c.get('ports');
      const now = ports.clock();
      const device = await mintSecret(ports, 'spl');
      const userCode = codeOf(ports.random(8));
      const { hostname = null, platform = null, version = null } = asked.data;
      await scopeOf(ports.database, tenant.id).insert(loginCodes, {
        hash: device.hash,
        kind: 'device',
        userCodeHash: await hashOf(userCode),
        jkt: proof.jkt,
        ...{ hostname, platform, version, address: callerAddress(c) },
        createdAt: now,
        expiresAt: now + loginMs,
      });
      const where = tenantUrl(ports.settings, tenant) + loginPaths.device;
      return c.json(
        {
          device_code: device.secret,
          user_code: userCode,
          verification_uri: where,
          verification_uri_complete: `${where}?user_code=${userCode}`,
          expires_in: loginMs / 1000,
          interval: pollSeconds,
        },
        200,
        { 'Cache-Control': 'no-store' },
      );
    }),
  );

  app.get(loginPaths.device, (c) =>
    withTenant(c, async (tenant) => {
      const typed = c.req.query('user_code');
      if (typed === undefined || c.req.query('go') !== '1') return askForCode(c, tenant, typed ?? '');
      const { limiter, database, clock } = c.get('ports');
      if (!(await limiter.allow('failed_login', callerAddress(c) ?? 'unknown'))) return tooMany(c);
      const hash = await hashOf(canonicalCode(typed));
      const waiting = await openCode(
        scopeOf(database, tenant.id),
        eq(loginCodes.userCodeHash, hash),
        clock(),
      );
      if (!waiting) return refusalPage(c, 'login_expired', 'There is no such code, or its time is over.');
      const provider = c.req.query('provider');
      const asked = await askedProof(scopeOf(database, tenant.id));
      return sendToLogin(c, tenant, { next: { for: 'device', request: waiting.hash }, provider, ...asked });
    }),
  );

  app.post(loginPaths.device, (c) =>
    withTenant(c, async (tenant) => {
      if (!isSameOrigin(c)) return problem(c, 'forbidden', 'a page of another origin may not ask for this');
      const form = await readForm(c);
      return decide(c, tenant, String(form['approval'] ?? ''), form['decision'] === 'allow');
    }),
  );
}

/** They have logged in: which device is it, and do they want it? */
export async function confirmDevice(c: Call, tenant: Tenant, finished: Finished): Promise<Response> {
  const { next, user, authentication } = finished;
  if (next.for !== 'device') throw new Error('not a device’s login');
  const ports = c.get('ports');
  const now = ports.clock();
  const waiting = await openCode(scopeOf(ports.database, tenant.id), eq(loginCodes.hash, next.request), now);
  if (!waiting) return refusalPage(c, 'login_expired');
  const browser = await mintSecret(ports, 'spl');
  writeLoginCookie(c, tenant, browser.secret);
  const wanted = {
    request: waiting.hash,
    user: user.id,
    authentication,
    browser: browser.hash,
    until: waiting.expiresAt,
  };
  const text = new TextEncoder().encode(JSON.stringify(wanted));
  const sealed = await ports.vault.seal(Uint8Array.from(text), approvalContext);
  const facts = [
    ['Device', waiting.hostname ?? 'unnamed'],
    ['System', waiting.platform ?? 'unknown'],
    ['Asks from', waiting.address ?? 'unknown'],
    ['You are', user.userName],
  ] as const;
  return page(
    c,
    'Let this device in?',
    html`<p>It will reach what you may reach in ${tenant.name}. If you did not start this on a device of yours, refuse.</p>
<dl>${facts.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>
<form method="post" action="${tenantUrl(ports.settings, tenant)}${loginPaths.device}"><input type="hidden" name="approval" value="${sealed}">
<button class="go" name="decision" value="allow">Let it in</button><button name="decision" value="refuse">Refuse</button></form>`,
  );
}

async function decide(c: Call, tenant: Tenant, sealed: string, allowed: boolean): Promise<Response> {
  const ports = c.get('ports');
  const now = ports.clock();
  const cookie = readLoginCookie(c);
  const opened = await ports.vault.open(sealed, approvalContext).catch(() => undefined);
  if (!opened || cookie === undefined) return refusalPage(c, 'login_expired');
  const wanted = approval.parse(JSON.parse(new TextDecoder().decode(opened)));
  if (wanted.until <= now || wanted.browser !== (await hashOf(cookie)))
    return refusalPage(c, 'login_expired');
  const scope = scopeOf(ports.database, tenant.id);
  const [waiting, user] = await Promise.all([
    openCode(scope, eq(loginCodes.hash, wanted.request), now),
    scope.byId(users, wanted.user),
  ]);
  if (!waiting || !user?.active) return refusalPage(c, 'login_expired');
  if (!allowed) {
    await scope.update(loginCodes, { deniedAt: now }, and(eq(loginCodes.hash, waiting.hash))!);
    return page(c, 'The device was refused', html`<p>You can close this window.</p>`);
  }
  const authentication = wanted.authentication as Finished['authentication'];
  if (!(await approve({ scope, now }, waiting, { user, authentication })))
    return refusalPage(c, 'login_expired');
  return page(c, 'The device is in', html`<p>You can close this window and go on there.</p>`);
}

function askForCode(c: Call, tenant: Tenant, typed: string): Promise<Response> {
  return page(
    c,
    `Log a device in to ${tenant.name}`,
    html`<form method="get"><label for="code">The code that the device shows</label>
<input id="code" name="user_code" value="${canonicalCode(typed)}" autocomplete="off" spellcheck="false" required maxlength="9" autofocus>
<input type="hidden" name="go" value="1"><button class="go">Go on</button></form>`,
  );
}

const codeOf = (random: Uint8Array): string => {
  const letters = Array.from(random, (byte) => alphabet[byte % alphabet.length]!).join('');
  return `${letters.slice(0, 4)}-${letters.slice(4)}`;
};

/** As it was given out, however it was typed. */
const canonicalCode = (typed: string): string => {
  const letters = typed
    .toUpperCase()
    .replace(/[^A-Z]/g, '')
    .slice(0, 8);
  return letters.length > 4 ? `${letters.slice(0, 4)}-${letters.slice(4)}` : letters;
};
