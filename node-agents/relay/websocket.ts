/**
 * A WebSocket as a line: binary messages are the stream, text belongs to the relay. No compression, since
 * the payload is ciphertext; a message has a greatest length; a receiver that is slow pauses its sender.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import { codeOf, type ErrorCode, wireOf } from '#schema/errors.ts';
import { closeCodeOf, relayLimits, relayProtocol } from '#schema/relay/wire.ts';
import { type Line, type LineEvents, lingerMs } from './line.ts';

const options = {
  noServer: true,
  perMessageDeflate: false,
  clientTracking: false,
  closeTimeout: lingerMs,
  handleProtocols: () => relayProtocol,
};
const pairServer = new WebSocketServer({ ...options, maxPayload: relayLimits.messageBytes });
const linkServer = new WebSocketServer({ ...options, maxPayload: relayLimits.textBytes });

/** RFC 6455 §4.2.1: what `ws` would refuse by itself, without a problem document. */
export function isWebSocketRequest({ headers }: IncomingMessage): boolean {
  return (
    headers['sec-websocket-version'] === '13' &&
    /^[+/0-9A-Za-z]{22}==$/.test(headers['sec-websocket-key'] ?? '')
  );
}

/** Answers 101. @param kind `link` takes short texts alone. @returns null when the request was not one after all. */
export function upgrade(
  kind: 'link' | 'pair',
  request: IncomingMessage,
  socket: Duplex,
  early: Buffer,
): WebSocket | null {
  let made: WebSocket | null = null;
  (kind === 'link' ? linkServer : pairServer).handleUpgrade(request, socket, early, (webSocket) => {
    made = webSocket;
  });
  return made;
}

export class WebSocketLine implements Line {
  readonly #webSocket: WebSocket;
  readonly #events: LineEvents;
  #fault: ErrorCode | null = null;
  #unsent = false;

  constructor(webSocket: WebSocket, events: LineEvents) {
    this.#webSocket = webSocket;
    this.#events = events;
    webSocket.on('message', (data, isBinary) => this.#message(data, isBinary));
    webSocket.on('error', (error) => {
      this.#fault = faultOf(error);
    });
    webSocket.on('close', (code) => events.closed(this.#fault ?? meaningOf(code)));
  }

  send(bytes: Buffer): boolean {
    const webSocket = this.#webSocket;
    if (webSocket.readyState !== webSocket.OPEN) return true;
    webSocket.send(bytes, { binary: true, compress: false }, this.#sent);
    if (webSocket.bufferedAmount === 0) return true;
    this.#unsent = true;
    return false;
  }

  resume(): void {
    if (this.#webSocket.isPaused) this.#webSocket.resume();
  }

  tell(text: string): void {
    if (this.#webSocket.readyState === this.#webSocket.OPEN) this.#webSocket.send(text);
  }

  finish(): void {
    this.#webSocket.close(1000);
  }

  close(code: ErrorCode | null): void {
    if (code === null) this.#webSocket.close(1000);
    else this.#webSocket.close(closeCodeOf(wireOf(code)), code);
    this.resume();
  }

  #message(data: RawData, isBinary: boolean): void {
    if (!isBinary) this.#events.text(String(data));
    else if (!this.#events.bytes(data as Buffer)) this.#webSocket.pause();
  }

  readonly #sent = (): void => {
    if (!this.#unsent || this.#webSocket.bufferedAmount > 0) return;
    this.#unsent = false;
    this.#events.ready();
  };
}

/** What `ws` found wrong, by its documented codes. */
function faultOf(error: Error): ErrorCode {
  const { code = '' } = error as NodeJS.ErrnoException;
  if (code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') return 'frame_too_large';
  return code.startsWith('WS_ERR_') ? 'protocol_error' : 'peer_gone';
}

/** 1000, 1001 and a close without a code are a plain end (RFC 6455 §7.4.1). */
function meaningOf(closeCode: number): ErrorCode | null {
  if (closeCode === 1000 || closeCode === 1001 || closeCode === 1005) return null;
  return closeCode > 4000 && closeCode < 4256 ? codeOf(closeCode - 4000) : 'peer_gone';
}
