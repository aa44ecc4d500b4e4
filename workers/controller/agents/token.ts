/**
 * POST /oauth/token: login of a Client by its Service Key, of a Connector or relay by its own key (RFC 6749
 * §4.4 with RFC 7523 and RFC 9449); a person's Client redeems its code here too (`people/person-token.ts`). `assertion.ts` settles who it is, `login-answer.ts` what it gets.
 */
import { z } from 'zod';
import { assertionType, paths, type TokenAnswer } from '#schema/control/login.ts';
import { type Call, type Controller, callerAddress } from '../context.ts';
import { personToken, readForm } from '../people/person-token.ts';
import { checkLogin, type LoggedIn } from './assertion.ts';
import { clientAnswer, connectorAnswer, relayAnswer } from './login-answer.ts';
import { answerRefusal, refuseAgent } from './refuse-agent.ts';

const form = z.object({
  grant_type: z.literal('client_credentials'),
  client_assertion_type: z.literal(assertionType),
  client_assertion: z.string().max(8192),
  hostname: z.string().max(255).optional(),
  version: z.string().max(64).optional(),
});

export function mountToken(app: Controller): void {
  app.post(paths.token, async (c) => {
    const fields = await readForm(c);
    const person = await personToken(c, fields);
    if (person) return person;
    const parsed = form.safeParse(fields);
    if (!parsed.success) {
      const detail = `${parsed.error.issues[0]?.path.join('.')}: ${parsed.error.issues[0]?.message}`;
      return answerRefusal(c, refuseAgent('bad_request', 'form does not fit', detail));
    }
    const login = await checkLogin(c, parsed.data.client_assertion);
    if (!login.ok) return answerRefusal(c, login, login.who);

    const { hostname = null, version = null } = parsed.data;
    const answer = await answerTo(c, login, { hostname, version, address: callerAddress(c) });
    const { role, row } = login.credential;
    if (answer === 'instance_revoked') {
      return answerRefusal(c, refuseAgent('credential_rejected', 'instance revoked'), row.id);
    }
    c.get('ports').log('info', 'agent_logged_in', {
      request_id: c.get('requestId'),
      tenant: c.get('tenant')?.id,
      role,
      agent: row.id,
      instance: answer.client?.instance,
    });
    return c.json(answer, 200, { 'Cache-Control': 'no-store' });
  });
}

function answerTo(
  c: Call,
  { credential, jkt }: LoggedIn,
  about: Parameters<typeof clientAnswer>[3],
): Promise<TokenAnswer | 'instance_revoked'> {
  const ports = c.get('ports');
  if (credential.role === 'client' || credential.role === 'person')
    return clientAnswer(ports, credential, jkt, about);
  return credential.role === 'connector'
    ? connectorAnswer(ports, credential, jkt)
    : relayAnswer(ports, credential, jkt);
}
