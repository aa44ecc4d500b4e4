/**
 * POST /api/v1/connections: fresh connection tokens for a Client, each for one Connector of a Remote Network
 * in which something is granted to it. Whatever else is asked for is left out of the answer.
 */
import { type ConnectionsAnswer, connectionsRequest, paths } from '#schema/control/login.ts';
import type { Controller } from '../context.ts';
import { authenticateAgent } from './authenticate-agent.ts';
import { signerOf } from './issue.ts';
import { connectionTokens } from './login-answer.ts';
import { meetable } from './meetable.ts';
import { answerRefusal, refuseAgent } from './refuse-agent.ts';

export function mountConnections(app: Controller): void {
  app.post(paths.connections, async (c) => {
    const ports = c.get('ports');
    const found = await authenticateAgent(c, paths.connections);
    if (!found.ok) return answerRefusal(c, found);
    const { agent } = found;
    if (agent.role !== 'client') {
      return answerRefusal(c, refuseAgent('forbidden', 'not a Client', 'for Clients alone'), agent.id);
    }
    const parsed = connectionsRequest.safeParse(await c.req.json().catch(() => undefined));
    if (!parsed.success) {
      const detail = `connectors: ${parsed.error.issues[0]?.message}`;
      return answerRefusal(c, refuseAgent('validation_failed', 'body does not fit', detail), agent.id);
    }
    const tenant = c.get('tenant')!;
    const allowed = new Set((await meetable(ports, tenant.id, agent.principal)).map(({ hash }) => hash!));
    const hashes = [...new Set(parsed.data.connectors)].filter((hash) => allowed.has(hash));
    const answer: ConnectionsAnswer = {
      connections: await connectionTokens(await signerOf(ports, tenant), hashes, agent.jkt),
      now: ports.clock(),
    };
    return c.json(answer, 200, { 'Cache-Control': 'no-store' });
  });
}
