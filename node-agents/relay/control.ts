/**
 * A relay's link to the Controller: enrols once, logs in, and then hears on the control channel whom to cut
 * off, which it confirms with a receipt. Everything else that a relay needs to know comes with the tokens
 * that Clients and Connectors present.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { capability, type FromControllerOf } from '#schema/control/messages.ts';
import { SallyportError } from '#schema/errors.ts';
import { ControllerClock } from '../link/clock.ts';
import { type ControlState, openControlChannel } from '../link/control.ts';
import { ControllerClient } from '../link/controller.ts';
import { backoff } from '../process/backoff.ts';
import type { RelayConfig } from '../process/config.ts';
import { isDeadCredential } from '../process/exit.ts';
import type { Host } from '../process/host.ts';
import { version } from '../process/version.ts';
import { enrol, keptIdentity } from './identity.ts';

export interface LoggedIn {
  /** The Controller's clock. */
  now: () => number;
  /** `rel_…` */
  id: string;
  /** Opens the control channel and keeps it. @param cut does what the order says and tells what it did. */
  open(cut: (order: FromControllerOf<'revoke'>) => { sessions: number; links: number }): ControlLink;
}

export interface ControlLink {
  readonly state: ControlState;
  /** Resolves when the credential is dead. */
  readonly dead: Promise<SallyportError>;
  close(): void;
}

/**
 * Tries for as long as the Controller cannot be reached. @returns null when asked to end meanwhile.
 * @throws SallyportError for a credential that is dead and a state that cannot be used.
 */
export async function logIn(config: RelayConfig, host: Host): Promise<LoggedIn | null> {
  const { log, random, shutdown } = host;
  const kept = await keptIdentity(config);
  const { identity } = kept;
  const clock = new ControllerClock(host.now);
  const url = config.controllerUrl;
  const controller = new ControllerClient({ url, identity, clock, log, random, signal: shutdown });
  let { id } = kept;
  const login = async () => {
    id ??= await enrol(kept, config, controller);
    return controller.login({ subject: id, assertionKey: identity.cryptoKey });
  };
  if (!(await untilReached(login, host))) return null;
  return {
    now: () => clock.now(),
    id: id!,
    open: (cut) => open({ controller, login, now: host.now, random, log }, cut),
  };
}

async function untilReached(
  attempt: () => Promise<unknown>,
  { log, random, shutdown }: Host,
): Promise<boolean> {
  const wait = backoff({ firstMs: 500, maxMs: 30_000, random });
  while (!shutdown.aborted) {
    try {
      await attempt();
      return true;
    } catch (error) {
      if (shutdown.aborted) break;
      if (!(error instanceof SallyportError) || error.permanent || isDeadCredential(error.code)) throw error;
      const retryInMs = wait.next();
      log.warn('controller_not_reached', { code: error.code, reason: error.message, retry_in_ms: retryInMs });
      await pause(retryInMs, undefined, { signal: shutdown }).catch(() => {});
    }
  }
  return false;
}

type Parts = Pick<
  Parameters<typeof openControlChannel>[0],
  'controller' | 'login' | 'now' | 'random' | 'log'
>;

function open(parts: Parts, cut: Parameters<LoggedIn['open']>[0]): ControlLink {
  const dead = Promise.withResolvers<SallyportError>();
  const channel = openControlChannel({
    ...parts,
    hello: () => ({ type: 'hello', capability, version }),
    onState(state, code = 'credential_rejected', detail) {
      if (state === 'refused') dead.resolve(new SallyportError(code, detail));
    },
    onMessage(message) {
      if (message.type !== 'revoke') return;
      const { revocation } = message;
      const { sessions, links } = cut(message);
      parts.log.info('revoked', { revocation, sessions_cut: sessions, links_cut: links });
      channel.send({ type: 'receipt', revocation, flows_cut: 0, tunnels_cut: sessions });
    },
  });
  return {
    get state() {
      return channel.state;
    },
    dead: dead.promise,
    close: () => channel.close(),
  };
}
