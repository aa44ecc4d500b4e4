/**
 * The Connector's first login, with enrolment before it where it is the first start. While the Controller
 * cannot be reached it is tried for ever, so that a Connector may start before its network does; a credential
 * that is dead ends it at once. `session.ts` takes over afterwards.
 */
import { join } from 'node:path';
import type { TokenAnswer } from '#schema/control/login.ts';
import { SallyportError } from '#schema/errors.ts';
import type { ControllerClient } from '../link/controller.ts';
import { backoff } from '../process/backoff.ts';
import type { ConnectorConfig } from '../process/config.ts';
import { isDeadCredential } from '../process/exit.ts';
import type { Host } from '../process/host.ts';
import { enrol, type KeptIdentity, stateFileName } from './enrol.ts';

/** @returns undefined when the process was asked to end first. @throws SallyportError that trying again cannot mend. */
export async function logIn(
  kept: KeptIdentity,
  config: ConnectorConfig,
  controller: ControllerClient,
  { log, random, shutdown }: Pick<Host, 'log' | 'random' | 'shutdown'>,
): Promise<{ subject: string; answer: TokenAnswer } | undefined> {
  const wait = backoff({ firstMs: 500, maxMs: 30_000, random });
  const { cryptoKey: assertionKey, hash } = kept.identity;
  let subject: string | undefined = kept.fresh ? undefined : (kept.id ?? hash);
  while (!shutdown.aborted) {
    try {
      if (subject === undefined) {
        subject = await enrol(kept, config, controller);
        log.info('connector_enrolled', { connector: subject });
      }
      return { subject, answer: await controller.login({ subject, assertionKey }) };
    } catch (error) {
      if (shutdown.aborted) break;
      if (!(error instanceof SallyportError)) throw error;
      if (error.code === 'credential_unknown' && subject === hash) {
        subject = undefined; // Its key is not known yet: this is its first start after all.
      } else {
        if (isDeadCredential(error.code) && kept.id !== undefined) throw stale(error, config.stateDir);
        if (error.permanent) throw error;
        const inMs = wait.next();
        log.warn('controller_not_reached', { code: error.code, reason: error.message, retry_in_ms: inMs });
        await pause(inMs, shutdown);
      }
    }
  }
  return undefined;
}

/** Somebody who brings a new token wants to know why it was not used. */
const stale = (error: SallyportError, stateDir: string) =>
  new SallyportError(
    error.code,
    `${error.message.replace(/\.$/, '')} (its key is in ${join(stateDir, stateFileName)}; to enrol anew remove that file)`,
    { cause: error },
  );

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      done();
    });
  });
}
