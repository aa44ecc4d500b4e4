/**
 * How a Client reaches a Connector: tries the relays at which the Connector waits, in order, the next one
 * after a short stagger or as soon as one fails, and keeps the first that pairs them (in the manner of
 * RFC 8305). Before it: `../controller.ts` for the connection token; after it: `../pinned-tls.ts`.
 */
import type { Duplex } from 'node:stream';
import type { RelayEntry } from '#schema/control/messages.ts';
import { SallyportError } from '#schema/errors.ts';
import { signProof } from '#schema/token/proof.ts';
import { nonce, type Random } from '../../process/random.ts';
import type { ControllerClock } from '../clock.ts';
import type { Identity } from '../identity.ts';
import type { Outward } from '../outward.ts';
import { dialRelay, doorUrl } from './dial.ts';

export interface MeetOptions {
  /** In order of preference. */
  relays: readonly RelayEntry[];
  connectionToken: string;
  identity: Identity;
  clock: ControllerClock;
  random: Random;
  staggerMs?: number;
  /** For each relay: the relay itself waits for the Connector. */
  timeoutMs?: number;
  signal?: AbortSignal;
  outward?: Outward | undefined;
}

export interface Meeting {
  stream: Duplex;
  relay: RelayEntry;
}

/** @throws SallyportError what the relays say; relay_unreachable when none says anything. */
export function connectThrough(o: MeetOptions): Promise<Meeting> {
  const { relays, staggerMs = 250, signal } = o;
  if (relays.length === 0)
    return Promise.reject(new SallyportError('relay_unreachable', 'the Connector is at no known relay'));
  if (signal?.aborted) return Promise.reject(new SallyportError('cancelled'));
  return new Promise((resolve, reject) => {
    const others = new AbortController();
    const failures: SallyportError[] = [];
    let started = 0;
    let timer: NodeJS.Timeout | undefined;
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    };
    const onAbort = () => {
      end();
      others.abort();
      reject(new SallyportError('cancelled'));
    };
    signal?.addEventListener('abort', onAbort, { once: true });

    const startNext = () => {
      clearTimeout(timer);
      const relay = relays[started];
      if (!relay) return;
      started++;
      if (started < relays.length) timer = setTimeout(startNext, staggerMs);
      dial(o, relay, others.signal).then(
        (stream) => {
          if (others.signal.aborted) return stream.destroy();
          end();
          others.abort();
          resolve({ stream, relay });
        },
        (error) => {
          if (others.signal.aborted) return;
          failures.push(asFailure(error));
          if (failures.length < relays.length) return startNext();
          end();
          reject(mostTelling(failures));
        },
      );
    };
    startNext();
  });
}

async function dial(o: MeetOptions, relay: RelayEntry, signal: AbortSignal): Promise<Duplex> {
  const { connectionToken, identity, clock, random, timeoutMs = 10_000, outward } = o;
  const headers = async () => ({
    authorization: `DPoP ${connectionToken}`,
    dpop: await signProof({
      method: 'GET',
      url: doorUrl(relay, 'connect'),
      token: connectionToken,
      nowMs: clock.now(),
      jti: nonce(random),
      privateKey: identity.cryptoKey,
      publicJwk: identity.publicJwk,
    }),
  });
  return dialRelay({ relay, door: 'connect', headers, timeoutMs, signal, outward });
}

/** A refusal that stays says more than one that may pass, and either more than a relay that is not there. */
function mostTelling(failures: SallyportError[]): SallyportError {
  const said = failures.filter(({ code }) => code !== 'relay_unreachable');
  const best = said.find(({ permanent }) => permanent) ?? said[0];
  if (best) return best;
  return new SallyportError('relay_unreachable', failures.map(({ message }) => message).join('; '));
}

const asFailure = (error: unknown): SallyportError =>
  error instanceof SallyportError ? error : new SallyportError('internal_error', undefined, { cause: error });
