/**
 * The SOCKS 5 listener: CONNECT to a name (SOCKS5h), an IPv4 or an IPv6 address. Names stay names, so that
 * the Connector resolves them. The answer waits until the far side has accepted, and refusals map to the
 * reply codes of RFC 1928. UDP ASSOCIATE goes on in `socks5/associate.ts`; BIND is answered "command not
 * supported".
 */
import { createServer, type Server, type Socket } from 'node:net';
import { tcpDestination } from './destination.ts';
import type { Open } from './opening.ts';
import { credentialsMatch, type ProxyCredentials } from './password.ts';
import { associate } from './socks5/associate.ts';
import * as socks from './socks5/messages.ts';
import { abort, splice } from './splice.ts';
import type { Associations } from './udp/associations.ts';

export interface Socks5Options {
  open: Open;
  associations: Associations;
  credentials?: ProxyCredentials;
  /** Milliseconds for greeting, password and request to arrive. */
  handshakeMs?: number;
}

const maxConnections = 8192;

/** @returns a server that is not listening yet. */
export function createSocks5(options: Socks5Options): Server {
  const server = createServer(
    { allowHalfOpen: true, noDelay: true },
    (socket) => void serve(socket, options),
  );
  server.maxConnections = maxConnections;
  return server;
}

async function serve(
  socket: Socket,
  { open, associations, credentials, handshakeMs = 15_000 }: Socks5Options,
): Promise<void> {
  const gone = new AbortController();
  const onClose = () => gone.abort();
  socket.on('error', onClose).once('close', onClose);
  const inbox = new Inbox(socket);
  const late = setTimeout(() => socket.destroy(), handshakeMs);
  const request = await negotiate(socket, inbox, credentials);
  clearTimeout(late);
  if (request === undefined) return;
  const refused = (code: number) => void socket.end(socks.reply(code));
  if (request.command === socks.commands.udpAssociate) {
    inbox.release();
    return associate(socket, request, associations);
  }
  if (request.command !== socks.commands.connect) return refused(socks.replies.commandUnsupported);
  if (request.host === undefined) return refused(socks.replies.addressUnsupported);
  const target = tcpDestination(request.host, request.port);
  if (!target.ok) return refused(socks.replyOf(target.code));
  const clientAddress = socket.remoteAddress ?? '';
  const opening = await open({ destination: target.destination, clientAddress, signal: gone.signal });
  if (!opening.ok) return refused(socks.replyOf(opening.code));
  if (socket.destroyed) return abort(opening.stream);
  socket.write(socks.reply(socks.replies.succeeded));
  splice(socket, opening.stream, inbox.release());
}

/** Greeting, password where one is set, request. Undefined: the conversation is over, the socket closed. */
async function negotiate(
  socket: Socket,
  inbox: Inbox,
  credentials: ProxyCredentials | undefined,
): Promise<socks.SocksRequest | undefined> {
  const greeting = await inbox.next(socks.readGreeting);
  if (greeting === undefined) return undefined;
  const method = credentials === undefined ? socks.methods.none : socks.methods.password;
  if (!greeting.methods.includes(method)) {
    socket.end(socks.methodChosen(socks.methods.unacceptable));
    return undefined;
  }
  socket.write(socks.methodChosen(method));
  if (credentials !== undefined) {
    const given = await inbox.next(socks.readPassword);
    if (given === undefined) return undefined;
    if (!credentialsMatch(credentials, given.user, given.password)) {
      socket.end(socks.passwordAnswer(false));
      return undefined;
    }
    socket.write(socks.passwordAnswer(true));
  }
  return inbox.next(socks.readRequest);
}

/** What has arrived and is not read yet; stops reading from the socket beyond one message. */
class Inbox {
  readonly #socket: Socket;
  #held: Buffer = Buffer.alloc(0);
  #wake: (() => void) | undefined;
  readonly #onData = (chunk: Buffer) => {
    this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    if (this.#held.length > socks.maxMessage) this.#socket.pause();
    this.#wake?.();
  };
  readonly #onEnd = () => this.#wake?.();

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', this.#onData).on('end', this.#onEnd).on('close', this.#onEnd);
  }

  /** The next message; undefined, and the socket closed, when it is broken or never comes. */
  async next<T>(read: (bytes: Buffer) => socks.Read<T>): Promise<T | undefined> {
    for (;;) {
      const result = read(this.#held);
      if (result.state === 'whole') {
        this.#held = this.#held.subarray(result.used);
        return result.value;
      }
      const over = this.#socket.readableEnded || this.#socket.destroyed;
      if (over || result.state === 'broken') {
        this.#socket.destroy();
        return undefined;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Hands over what came behind the request, and the socket with it. */
  release(): Buffer {
    this.#socket.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onEnd);
    return this.#held;
  }
}
