import { expect, test } from 'vitest';
import { problemOf, proxyStatus } from '#node-agents/client/http/refusal.ts';
import { type ErrorCode, errors } from '#schema/errors.ts';

/** RFC 9651: a token with parameters whose values are tokens or strings of printable ASCII. */
const item = /^sallyport; error=[a-z_]+; details="(?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"$/;

test('Proxy-Status is a valid structured field for every code and any detail', () => {
  for (const code of Object.keys(errors) as ErrorCode[]) {
    expect(proxyStatus({ ok: false, code })).toMatch(item);
    expect(proxyStatus({ ok: false, code, detail: 'a "quoted" \\ “näme”\r\nX: y' })).toMatch(item);
  }
});

test('a refusal names its code, its reason, a remedy and the connection', () => {
  const { status, headers, body } = problemOf({ ok: false, code: 'port_denied', connection: 'cnx_1' });
  expect(status).toBe(403);
  expect(Object.fromEntries(headers)).toMatchObject({
    'Content-Type': 'application/problem+json',
    'Proxy-Status':
      'sallyport; error=http_request_denied; details="port_denied: The Resource does not allow this port or protocol."',
  });
  expect(JSON.parse(body)).toMatchObject({
    type: 'urn:sallyport:problem:port_denied',
    code: 'port_denied',
    remedy: 'Add the port to the Resource.',
    connection: 'cnx_1',
  });
});

test('what is wrong between us is never 401, which would ask for the destination’s password', () => {
  expect(problemOf({ ok: false, code: 'token_expired' }).status).toBe(502);
});
