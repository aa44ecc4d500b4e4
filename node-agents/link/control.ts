/**
 * An agent's end of the control channel (`schema/control/messages.ts`): logs in when the access token is
 * old, opens, says hello, hands over what the Controller says, and is there again after every loss. What
 * could not be sent is told to the caller, who keeps it: nothing waits here.
 */
import { paths } from '#schema/control/login.ts';
import {
  controlClose,
  controlProtocol,
  type FromAgent,
  type FromController,
  messageLimit,
} from '#schema/control/messages.ts';
import { type ErrorCode, isErrorCode, SallyportError } from '#schema/errors.ts';
import { isDeadCredential } from '../process/exit.ts';
import type { Log } from '../process/log.ts';
import type { Random } from '../process/random.ts';
import { type ControllerClient, isStaleAccess } from './controller.ts';
import type { Outward } from './outward.ts';
import { type LinkTiming, StandingLink } from './standing-link.ts';

export type ControlState = 'connecting' | 'open' | 'closed' | 'refused';
export type AgentHello = Extract<FromAgent, { type: 'hello' }>;

export interface ControlOptions {
  controller: ControllerClient;
  /** Obtains a fresh access token (`controller.login`); called only when one is due. */
  login(): Promise<unknown>;
  /** What is more urgent: the first opening waits until it has settled. */
  after?: Promise<unknown>;
  /** Made anew for every opening: it tells which ACL the agent holds by then. */
  hello(): AgentHello;
  onMessage(message: FromController): void;
  /** `refused` is final: the credential is dead. `code` says why it is closed or refused. */
  onState(state: ControlState, code?: ErrorCode, detail?: string): void;
  /** This machine's clock, in milliseconds: what `lastHeardMs` is measured by. */
  now(): number;
  random: Random;
  log: Log;
  timing?: Partial<LinkTiming>;
  outward?: Outward | undefined;
}

export interface ControlChannel {
  /** @returns false when the channel is not open or congested: keep the message, send it later. */
  send(message: FromAgent): boolean;
  /** When the Controller was last heard, be it a `pong`, by `now`; -Infinity when never. */
  readonly lastHeardMs: number;
  readonly state: ControlState;
  /** Something speaks for the Controller being back: a wait for the next attempt is cut short. */
  hurry(): void;
  close(): void;
}

export function openControlChannel(o: ControlOptions): ControlChannel {
  return new Channel(o);
}

class Channel implements ControlChannel {
  readonly #o: ControlOptions;
  readonly #link: StandingLink;
  #state: ControlState = 'connecting';
  /** There once the channel has been opened. */
  #messages: typeof import('#schema/control/from-controller.ts') | undefined;

  constructor(o: ControlOptions) {
    this.#o = o;
    this.#link = new StandingLink({
      protocol: controlProtocol,
      messageBytes: messageLimit,
      unreachable: 'controller_unreachable',
      prepare: () => this.#prepare(),
      onConnecting: () => this.#enter('connecting'),
      onOpen: () => void this.#link.send(JSON.stringify(o.hello())),
      onText: (text) => this.#receive(text),
      onDown: (error) => this.#lost(error),
      reasonOfClose,
      now: o.now,
      random: o.random,
      log: o.log,
      timing: o.timing,
      outward: o.outward,
    });
  }

  get lastHeardMs(): number {
    return this.#link.lastHeardMs;
  }

  get state(): ControlState {
    return this.#state;
  }

  send(message: FromAgent): boolean {
    return this.#state === 'open' && this.#link.send(JSON.stringify(message));
  }

  hurry(): void {
    this.#link.hurry();
  }

  close(): void {
    this.#link.stop();
    if (this.#state !== 'refused') this.#enter('closed');
  }

  async #prepare(): Promise<{ url: string; headers: Record<string, string> }> {
    const { controller, after } = this.#o;
    await after?.catch(() => {});
    this.#messages ??= await import('#schema/control/from-controller.ts');
    if (controller.loginDue) await this.#o.login();
    const url = controller.url + paths.channel;
    return { url, headers: await controller.authorize('GET', url) };
  }

  #receive(text: string): void {
    const message = this.#parse(text);
    if (message === undefined) {
      this.#o.log.warn('control_message_unknown', { length: text.length });
      return; // A newer Controller may say more than we understand.
    }
    if (message.type === 'refused') return this.#refusal(message);
    if (message.type === 'restarting') this.#link.returnAfter(message.reconnect_in_ms);
    if (message.type === 'welcome' && this.#state !== 'open') {
      this.#link.established();
      this.#enter('open');
    }
    this.#o.onMessage(message);
  }

  #parse(text: string): FromController | undefined {
    try {
      return this.#messages?.fromController.safeParse(JSON.parse(text)).data;
    } catch {
      return undefined;
    }
  }

  #refusal({ code, detail, retry }: Extract<FromController, { type: 'refused' }>): void {
    const error = new SallyportError(isErrorCode(code) ? code : 'unknown_error', detail);
    if (retry) return this.#link.drop(1000, error);
    this.#refused(error);
  }

  #lost(error: SallyportError): void {
    if (isDeadCredential(error.code)) return this.#refused(error);
    const { controller, log } = this.#o;
    if (isStaleAccess(error)) controller.forgetAccess();
    log.warn('control_channel_down', { code: error.code, reason: error.message });
    this.#enter('closed', error);
  }

  #refused(error: SallyportError): void {
    this.#link.stop();
    this.#o.log.error('control_channel_refused', { code: error.code, reason: error.message });
    this.#enter('refused', error);
  }

  #enter(state: ControlState, error?: SallyportError): void {
    this.#state = state;
    this.#o.onState(state, error?.code, error?.message);
  }
}

function reasonOfClose(code: number): SallyportError {
  switch (code) {
    case controlClose.restarting:
      return new SallyportError('draining', 'the Controller restarts');
    case controlClose.refused:
      return new SallyportError('unauthenticated', 'the Controller no longer accepts the access token');
    case controlClose.replaced:
      return new SallyportError('peer_gone', 'another process has opened a channel with the same identity');
    case controlClose.tooLarge:
      return new SallyportError('frame_too_large', 'a message was too long for the Controller');
    default:
      return new SallyportError('peer_gone', `the Controller closed the channel (${code})`);
  }
}
