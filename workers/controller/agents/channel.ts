/**
 * GET /api/v1/channel: opens the control channel of an agent. Who it is is settled here; the Durable Object
 * behind `Channels.open` takes the WebSocket over.
 */
import { paths } from '#schema/control/login.ts';
import { controlProtocol } from '#schema/control/messages.ts';
import type { Controller } from '../context.ts';
import { problem } from '../problem.ts';
import { authenticateAgent } from './authenticate-agent.ts';
import { answerRefusal } from './refuse-agent.ts';

export function mountChannel(app: Controller): void {
  app.get(paths.channel, async (c) => {
    if (c.req.header('upgrade')?.toLowerCase() !== 'websocket') {
      return problem(c, 'bad_request', 'open this as a WebSocket', {}, { Upgrade: 'websocket' });
    }
    const offered = (c.req.header('sec-websocket-protocol') ?? '').split(',').map((one) => one.trim());
    if (!offered.includes(controlProtocol)) {
      return problem(c, 'version_unsupported', `offer the subprotocol ${controlProtocol}`);
    }
    const found = await authenticateAgent(c, paths.channel);
    if (!found.ok) return answerRefusal(c, found);
    return c.get('ports').channels.open(c.req.raw, found.agent);
  });
}
