/**
 * The Controller's side of the control channels (`Channels` of `controller/ports.ts`) over the Durable Objects
 * that hold them: which object holds whom, and asking several at once.
 */
import type { Channels, Ports } from '#workers/controller/ports.ts';
import type { ControlChannel } from './durable-object.ts';

export function createChannels(
  _objects: DurableObjectNamespace<ControlChannel>,
  _ports: Pick<Ports, 'database' | 'clock' | 'log'>,
): Channels {
  return {
    async configurationChanged() {},
    async revoke() {
      return { agents: [], complete: true };
    },
    async open() {
      return new Response(null, { status: 501 });
    },
    async present() {
      return [];
    },
    async relaysChanged() {},
  };
}
