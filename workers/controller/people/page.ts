/**
 * The few pages that people see outside the console: a choice, a confirmation, a reason. Plain HTML without
 * scripts, under a policy that lets nothing in.
 */
import { html } from 'hono/html';
import { type ErrorCode, type ErrorKind, errors } from '#schema/errors.ts';
import type { Call } from '../context.ts';
import { base64url } from '../secret.ts';

type Html = ReturnType<typeof html>;

/** @param status of the answer, default 200. */
export async function page(c: Call, title: string, body: Html, status = 200): Promise<Response> {
  const nonce = base64url(c.get('ports').random(16));
  c.header(
    'Content-Security-Policy',
    `default-src 'none'; style-src 'nonce-${nonce}'; form-action 'self' http://127.0.0.1:* http://[::1]:*; frame-ancestors 'none'; base-uri 'none'`,
  );
  c.header('Cache-Control', 'no-store');
  c.header('Referrer-Policy', 'no-referrer');
  c.header('X-Content-Type-Options', 'nosniff');
  const document = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · Sallyport</title><style nonce="${nonce}">${style}</style></head>
<body><main><p class="brand">Sallyport</p><h1>${title}</h1>${body}</main></body></html>`;
  return c.html(document, status as 200);
}

/** @param detail of what the person may know. */
export function refusalPage(c: Call, code: ErrorCode, detail?: string, again?: string): Promise<Response> {
  const { title, remedy, status } = errors[code] as ErrorKind;
  const link = again === undefined ? '' : html`<p><a class="button" href="${again}">Log in again</a></p>`;
  const said = detail === undefined ? '' : html`<p class="detail">${detail}</p>`;
  return page(
    c,
    title.replace(/\.$/, ''),
    html`${said}<p>${remedy}</p>${link}<p class="code">${code} · ${c.get('requestId')}</p>`,
    status,
  );
}

const style = `
:root{color-scheme:light dark;--ink:#1b2430;--soft:#5b6675;--paper:#f4f6f8;--card:#fff;--line:#dfe4ea;--go:#1a5fd0}
@media(prefers-color-scheme:dark){:root{--ink:#e8ecf1;--soft:#9aa6b5;--paper:#10151c;--card:#18202a;--line:#2a3441;--go:#6ea8ff}}
*{box-sizing:border-box}body{margin:0;min-height:100vh;display:grid;place-items:center;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif;padding:1rem}
main{width:100%;max-width:26rem;background:var(--card);border:1px solid var(--line);border-radius:12px;padding:2rem}
.brand{margin:0 0 1.5rem;font-weight:700;letter-spacing:.02em;color:var(--soft)}h1{margin:0 0 .75rem;font-size:1.35rem;line-height:1.3}
p{margin:.6rem 0}.detail{overflow-wrap:anywhere}.code{margin-top:1.5rem;color:var(--soft);font-size:.8rem;overflow-wrap:anywhere}
.button,button{display:block;width:100%;margin-top:.6rem;padding:.7rem 1rem;border:1px solid var(--line);border-radius:8px;background:transparent;color:var(--ink);font:inherit;font-weight:600;text-align:center;text-decoration:none;cursor:pointer}
.button.go,button.go{background:var(--go);border-color:var(--go);color:var(--card)}
.button:focus-visible,button:focus-visible,input:focus-visible{outline:3px solid var(--go);outline-offset:2px}
input{width:100%;padding:.7rem 1rem;border:1px solid var(--line);border-radius:8px;background:transparent;color:var(--ink);font:inherit;font-size:1.25rem;letter-spacing:.15em;text-transform:uppercase;text-align:center}
label{display:block;margin:1rem 0 .4rem;font-weight:600}dl{margin:1rem 0;display:grid;grid-template-columns:auto 1fr;gap:.25rem 1rem}dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}`;
