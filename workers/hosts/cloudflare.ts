/**
 * wrangler's main: the Controller and the edge relay as one Worker. A request for a relay's door goes to the
 * relay (`relay/`), every other one to the Controller (`controller/app.ts`); the control channels live in the
 * Durable Object that is exported here.
 */
import { SallyportError } from '#schema/errors.ts';
import { createController } from '#workers/controller/app.ts';
import { clean } from '#workers/controller/clean.ts';
import type { Controller } from '#workers/controller/context.ts';
import { relayFetch } from '#workers/relay/door.ts';
import type { Bindings } from './bindings.ts';
import { portsOf } from './cloudflare-ports.ts';
import { edgeRelayOf } from './relay.ts';

export { ControlChannel } from '#workers/control-channel/durable-object.ts';
export { Relay } from './relay.ts';

let controller: Promise<Controller> | undefined;

export default {
  async fetch(request, bindings) {
    controller ??= portsOf(bindings).then(createController);
    try {
      const answer = await relayFetch(request, edgeRelayOf(await portsOf(bindings), bindings));
      if (answer !== null) return answer;
      return await (await controller).fetch(request);
    } catch (error) {
      if (!(error instanceof SallyportError)) throw error;
      console.error(JSON.stringify({ level: 'error', event: 'not_configured', detail: error.message }));
      return new Response('The Controller is not configured; its log says what is missing.\n', {
        status: 503,
      });
    }
  },

  /** As often as `wrangler.toml` says; `workers/local` calls it by a timer. */
  async scheduled(_controller, bindings) {
    await clean(await portsOf(bindings));
  },
} satisfies ExportedHandler<Bindings>;
