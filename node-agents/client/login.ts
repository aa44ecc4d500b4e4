/**
 * `sallyportd login`: a person logs in on this device, by the identity provider that their Tenant trusts. The
 * device makes its own key, the browser (RFC 8252) or another device (RFC 8628) brings the approval, and what
 * is kept is a login that the Client uses as it does a Service Key.
 */
import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod/mini';
import { createIdentity, type Identity } from '#node-agents/link/identity.ts';
import { openBrowser } from '#node-agents/os/open-browser.ts';
import type { LoginConfig } from '#node-agents/process/config.ts';
import type { Host } from '#node-agents/process/host.ts';
import { nonce } from '#node-agents/process/random.ts';
import { prepareStateDir, writeSecretFile } from '#node-agents/process/state-dir.ts';
import { version } from '#node-agents/process/version.ts';
import { paths } from '#schema/control/login.ts';
import type { UserSessionFile } from '#schema/control/service-key.ts';
import { isErrorCode, SallyportError } from '#schema/errors.ts';
import { signProof } from '#schema/token/proof.ts';
import { awaitRedirect } from './login/redirect.ts';

const clientId = 'sallyport-client';
const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code';
/** A person has so long for everything, milliseconds; the Controller forgets as soon. */
const patienceMs = 600_000;

const session = z.object({
  session_id: z.string(),
  user_id: z.string(),
  user_name: z.string(),
  network: z.string(),
  expires_at: z.string(),
});
const deviceStart = z.object({
  device_code: z.string(),
  user_code: z.string(),
  verification_uri: z.string(),
  verification_uri_complete: z.string(),
  interval: z.number(),
});
type Session = z.output<typeof session>;

/** @throws SallyportError why nobody was logged in. */
export async function runLogin(config: LoginConfig, host: Host): Promise<void> {
  const identity = await createIdentity();
  const tenant = config.network.replace(/\/+$/, '');
  const made = config.device
    ? await byDevice(tenant, identity, host)
    : await byBrowser(tenant, identity, host);
  const file: UserSessionFile = {
    version: '1',
    network: made.network,
    user_id: made.user_id,
    user_name: made.user_name,
    private_key: identity.privateKeyPem,
    key_id: made.session_id,
    expires_at: made.expires_at,
    login_path: paths.token,
  };
  await prepareStateDir(dirname(config.sessionFile));
  await writeSecretFile(config.sessionFile, `${JSON.stringify(file, null, 2)}\n`);
  host.print(
    `${made.user_name} is logged in until ${made.expires_at}.\n` +
      `Start the Client: sallyportd --service-key ${config.sessionFile} --http-proxy 127.0.0.1:9999 --tun off\n`,
  );
}

async function byBrowser(tenant: string, identity: Identity, host: Host): Promise<Session> {
  const state = nonce(host.random);
  const verifier = Buffer.from(host.random(48)).toString('base64url');
  const waiting = await awaitRedirect({ state, issuer: tenant, patienceMs });
  const url = new URL(`${tenant}/oauth/authorize`);
  const asked = {
    response_type: 'code',
    client_id: clientId,
    redirect_uri: waiting.redirectUri,
    state,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    dpop_jkt: identity.jkt,
    ...aboutDevice(),
  };
  for (const [name, value] of Object.entries(asked)) url.searchParams.set(name, value);
  host.print(`Log in in your browser. If it does not open by itself, open:\n\n  ${url.href}\n\n`);
  openBrowser(url.href);
  const code = await waiting.code;
  const redeemed = { code, redirect_uri: waiting.redirectUri, code_verifier: verifier };
  return ask(tenant, identity, host, paths.token, session, {
    grant_type: 'authorization_code',
    client_id: clientId,
    ...redeemed,
  });
}

async function byDevice(tenant: string, identity: Identity, host: Host): Promise<Session> {
  const started = await ask(tenant, identity, host, '/oauth/device_authorization', deviceStart, {
    client_id: clientId,
    ...aboutDevice(),
  });
  host.print(
    `Open ${started.verification_uri} in any browser and type\n\n  ${started.user_code}\n\n` +
      `or open ${started.verification_uri_complete}\n`,
  );
  let pauseMs = started.interval * 1000;
  const until = host.monotonic() + patienceMs;
  while (host.monotonic() < until) {
    await sleep(pauseMs);
    try {
      return await ask(tenant, identity, host, paths.token, session, {
        grant_type: deviceGrant,
        client_id: clientId,
        device_code: started.device_code,
      });
    } catch (error) {
      const { code } = error as SallyportError;
      // RFC 8628 §3.5.
      if (code === 'slow_down') pauseMs += 5_000;
      else if (code !== 'authorization_pending' && code !== 'controller_unreachable') throw error;
    }
  }
  throw new SallyportError('login_expired');
}

async function ask<T extends z.ZodMiniType>(
  tenant: string,
  identity: Identity,
  { now, random }: Host,
  path: string,
  answer: T,
  fields: Record<string, string>,
): Promise<z.output<T>> {
  const url = tenant + path;
  const dpop = await signProof({
    ...{ method: 'POST', url, nowMs: now(), jti: nonce(random) },
    privateKey: identity.cryptoKey,
    publicJwk: identity.publicJwk,
  });
  let response: Response;
  try {
    response = await fetch(url, {
      method: 'POST',
      redirect: 'error',
      headers: { dpop },
      body: new URLSearchParams(fields),
      signal: AbortSignal.timeout(15_000),
    });
  } catch (cause) {
    throw new SallyportError('controller_unreachable', `${new URL(url).host} does not answer`, { cause });
  }
  const body = (await response.json().catch(() => ({}))) as { code?: unknown; detail?: string };
  if (!response.ok) {
    if (isErrorCode(body.code)) throw new SallyportError(body.code, body.detail);
    const { host } = new URL(url);
    throw new SallyportError(
      'controller_unreachable',
      `${host} answered ${response.status}: is it a Controller?`,
    );
  }
  const parsed = answer.safeParse(body);
  if (parsed.success) return parsed.data;
  throw new SallyportError('protocol_error', 'the Controller’s answer does not fit');
}

function aboutDevice(): { hostname: string; version: string; platform?: string } {
  const platforms: Partial<Record<NodeJS.Platform, string>> = {
    linux: 'linux',
    darwin: 'darwin',
    win32: 'windows',
  };
  const platform = platforms[process.platform];
  return { hostname: hostname(), version, ...(platform !== undefined && { platform }) };
}
