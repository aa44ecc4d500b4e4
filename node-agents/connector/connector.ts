/**
 * A Connector from start to end: finds or makes its identity (`enrol.ts`), logs in, keeps the session with
 * the Controller (`session.ts`) and links to relays (`relays.ts`), serves the tunnels that come in
 * (`tunnels.ts`), and on SIGTERM lets live flows finish before it goes. `sallyportd.ts` calls it.
 */
import { ControllerClock } from '../link/clock.ts';
import { ControllerClient } from '../link/controller.ts';
import type { ConnectorConfig } from '../process/config.ts';
import type { Host } from '../process/host.ts';
import { Connector } from './assemble.ts';
import { keptIdentity } from './enrol.ts';
import { type Health, serveHealth, startingHealth } from './health.ts';
import { logIn } from './log-in.ts';
import { serveProbes } from './probes.ts';

/** @throws SallyportError when the credential is dead or the state cannot be used. */
export async function runConnector(config: ConnectorConfig, host: Host): Promise<void> {
  const kept = await keptIdentity(config);
  const dead = new AbortController();
  let connector: Connector | undefined;
  const health = (): Health => (connector ? connector.health() : startingHealth);
  const closing = [await serveHealth(config.stateDir, health)];
  try {
    if (config.metricsPort) closing.push(await serveProbes(config.metricsPort, health));
    const clock = new ControllerClock(host.now);
    const controller = new ControllerClient({
      url: config.url,
      identity: kept.identity,
      clock,
      log: host.log,
      random: host.random,
      signal: host.shutdown,
    });
    const login = await logIn(kept, config, controller, host);
    if (!login) return; // Asked to end before the Controller was reached.
    connector = await Connector.assemble({
      config,
      host,
      kept,
      clock,
      controller,
      ...login,
      onDead: (error) => dead.abort(error),
    });
    await connector.serve(dead.signal);
  } finally {
    connector?.close();
    for (const server of closing) server.close();
  }
  if (dead.signal.aborted) throw dead.signal.reason;
}
