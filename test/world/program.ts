/**
 * Connections as a program at some place makes them, made by this process: what connect(2) says and after how
 * long, and a conversation that goes on until something ends it. Literal addresses only.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Namespaces, Place } from './namespaces.ts';

export interface Tried {
  /** The errno; '' for a connection, which is `socket`. */
  says: string;
  ms: number;
  socket: Socket;
}

export async function tryConnect(net: Namespaces, place: Place, host: string, port: number): Promise<Tried> {
  const begun = performance.now();
  const socket = await net.within(place, async () => {
    const made = connect({ host, port, noDelay: true, allowHalfOpen: true });
    // The system's socket is made in the next tick.
    await new Promise(process.nextTick);
    return made;
  });
  const says = await once(socket, 'connect').then(
    () => '',
    (error: NodeJS.ErrnoException) => error.code ?? error.message,
  );
  return { says, ms: performance.now() - begun, socket };
}

/** The errno of connect(2), '' when it connects. The connection is not kept. */
export async function errnoAt(net: Namespaces, place: Place, host: string, port: number): Promise<string> {
  const { says, socket } = await tryConnect(net, place, host, port);
  socket.destroy();
  return says;
}

/** Something is said to an echo every 50 ms, by TCP. */
export interface Conversation {
  /** Answers so far. */
  readonly heard: number;
  /** Milliseconds since the last answer. */
  readonly quietMs: number;
  /** Why it ended: an errno, or 'end'. */
  readonly ended: Promise<string>;
  readonly over: boolean;
  stop(): void;
}

const paceMs = 50;

/** @throws Error with what connect(2) said. */
export async function converse(
  net: Namespaces,
  place: Place,
  host: string,
  port: number,
): Promise<Conversation> {
  const { says, socket } = await tryConnect(net, place, host, port);
  if (says !== '') throw new Error(`no conversation with ${host}: ${says}`);
  let heard = 0;
  let heardAt = performance.now();
  let over = false;
  let why = 'end';
  socket.on('data', () => {
    heard++;
    heardAt = performance.now();
  });
  socket.on('error', (error: NodeJS.ErrnoException) => {
    why = error.code ?? error.message;
  });
  socket.on('end', () => socket.destroy());
  const timer = setInterval(() => socket.write('still there?'), paceMs);
  const ended = new Promise<string>((resolve) =>
    socket.on('close', () => {
      clearInterval(timer);
      over = true;
      resolve(why);
    }),
  );
  return {
    get heard() {
      return heard;
    },
    get quietMs() {
      return performance.now() - heardAt;
    },
    ended,
    get over() {
      return over;
    },
    stop: () => void socket.destroy(),
  };
}

/** One socket's datagrams to an echo, numbered. */
export interface Datagrams {
  /** Sends one. @returns whether its answer came in time. */
  ask(withinMs: number): Promise<boolean>;
  close(): void;
}

export async function datagramsAt(
  net: Namespaces,
  place: Place,
  host: string,
  port: number,
  length = 100,
): Promise<Datagrams> {
  const socket = await net.within(place, async () => {
    const made = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    made.bind();
    await once(made, 'listening');
    return made;
  });
  const answered = new Set<string>();
  let sent = 0;
  socket.on('error', () => {});
  socket.on('message', (message) => answered.add(message.toString().trim()));
  return {
    async ask(withinMs) {
      const number = String(sent++);
      socket.send(number.padEnd(length), port, host);
      for (const until = performance.now() + withinMs; performance.now() < until; await sleep(5))
        if (answered.has(number)) return true;
      return false;
    },
    close: () => void socket.close(),
  };
}
