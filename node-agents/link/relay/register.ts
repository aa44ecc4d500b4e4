/**
 * A Connector's standing link to one relay: it proves which Connector this is, hears of Clients that wait,
 * and goes through the door `accept` for each. It comes back after every loss, and when and for as long as
 * the relay said before a restart. After it: `../pinned-tls.ts`, as the side that is connected to.
 */
import type { Duplex } from 'node:stream';
import type { RelayEntry, RelayLink } from '#schema/control/messages.ts';
import { codeOf, type ErrorCode, SallyportError } from '#schema/errors.ts';
import {
  connectorHeader,
  type FromConnector,
  relayLimits,
  relayProtocol,
  sessionHeader,
  type ToConnector,
  toConnector,
} from '#schema/relay/wire.ts';
import { signProof } from '#schema/token/proof.ts';
import type { Log } from '../../process/log.ts';
import { nonce, type Random } from '../../process/random.ts';
import type { ControllerClock } from '../clock.ts';
import type { Identity } from '../identity.ts';
import { type LinkTiming, StandingLink } from '../standing-link.ts';
import { dialRelay, doorUrl } from './dial.ts';

export interface RegisterOptions {
  relay: RelayEntry;
  identity: Identity;
  clock: ControllerClock;
  /** The present registration token, asked for at each attempt. */
  registration(): string;
  /** A Client waits. Call `accept` within `relayLimits.handshakeMs`, or `decline`. */
  onIncoming(session: string, accept: () => Promise<Duplex>): void;
  onState(state: RelayLink['state'], code?: ErrorCode): void;
  /** The relay is about to end: it lets nobody new in and soon closes what it carries. */
  onRestarting?(): void;
  /** This machine's clock, in milliseconds; by default the Controller's. */
  now?: () => number;
  random: Random;
  log: Log;
  timing?: Partial<LinkTiming>;
}

export interface Registration {
  readonly relay: RelayEntry;
  readonly state: RelayLink['state'];
  /** The Client that waits is told the code. */
  decline(session: string, code: ErrorCode): void;
  /** The network is back: tries now, where it would wait. */
  hurry(): void;
  /** The relay has to prove that it is there. */
  probe(): void;
  /** For ever. Streams that were accepted live on. */
  close(): void;
}

export function register(o: RegisterOptions): Registration {
  return new Link(o);
}

class Link implements Registration {
  readonly relay: RelayEntry;
  readonly #o: RegisterOptions;
  readonly #log: Log;
  readonly #link: StandingLink;
  #state: RelayLink['state'] = 'connecting';
  #lostWith: ErrorCode | undefined;

  constructor(o: RegisterOptions) {
    this.#o = o;
    this.relay = o.relay;
    this.#log = o.log.child({ relay: o.relay.id });
    this.#link = new StandingLink({
      protocol: relayProtocol,
      messageBytes: relayLimits.messageBytes,
      unreachable: 'relay_unreachable',
      prepare: () => this.#prepare(),
      onConnecting: () => this.#enter('connecting'),
      onText: (text) => this.#receive(text),
      onDown: (error) => this.#lost(error),
      reasonOfClose,
      now: o.now ?? (() => o.clock.now()),
      random: o.random,
      log: this.#log,
      timing: { firstRetryMs: 250, ...o.timing },
    });
  }

  get state(): RelayLink['state'] {
    return this.#state;
  }

  decline(session: string, code: ErrorCode): void {
    this.#link.send(JSON.stringify({ type: 'decline', session, code } satisfies FromConnector));
  }

  hurry(): void {
    this.#link.hurry();
  }

  probe(): void {
    this.#link.probe();
  }

  close(): void {
    this.#link.stop();
  }

  async #prepare(): Promise<{ url: string; headers: Record<string, string> }> {
    const { identity, clock, random } = this.#o;
    const token = this.#o.registration();
    const url = doorUrl(this.relay, 'register');
    const dpop = await signProof({
      method: 'GET',
      url,
      token,
      nowMs: clock.now(),
      jti: nonce(random),
      privateKey: identity.cryptoKey,
      publicJwk: identity.publicJwk,
    });
    return { url, headers: { authorization: `DPoP ${token}`, dpop } };
  }

  #receive(text: string): void {
    const message = parse(text);
    switch (message?.type) {
      case 'registered':
        this.#link.established();
        this.#lostWith = undefined;
        this.#enter('connected');
        return;
      case 'incoming':
        return this.#incoming(message.session);
      case 'restarting':
        this.#link.returnAfter(message.reconnect_in_ms, message.try_for_ms);
        return this.#o.onRestarting?.();
      case undefined:
        return this.#log.warn('relay_message_unknown', { length: text.length });
    }
  }

  #incoming(session: string): void {
    const { onIncoming, identity } = this.#o;
    const headers = { [sessionHeader]: session, [connectorHeader]: identity.hash };
    onIncoming(session, () =>
      dialRelay({ relay: this.relay, door: 'accept', headers, timeoutMs: relayLimits.handshakeMs }),
    );
  }

  #lost(error: SallyportError): void {
    // A relay that stays away is told of once, not at every attempt.
    const level = this.#lostWith === error.code ? 'debug' : 'warn';
    this.#lostWith = error.code;
    this.#log[level]('relay_link_down', { code: error.code, reason: error.message });
    this.#enter('failed', error.code);
  }

  #enter(state: RelayLink['state'], code?: ErrorCode): void {
    if (this.#state === state && state === 'connecting') return;
    this.#state = state;
    this.#o.onState(state, code);
  }
}

/** 4000 + the wire byte of a code. */
function reasonOfClose(code: number): SallyportError {
  if (code > 4000 && code < 4256) return new SallyportError(codeOf(code - 4000));
  if (code === 1012) return new SallyportError('draining', 'the relay restarts');
  return new SallyportError('peer_gone', `the relay closed the link (${code})`);
}

function parse(text: string): ToConnector | undefined {
  try {
    return toConnector.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
