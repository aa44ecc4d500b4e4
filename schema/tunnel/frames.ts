/**
 * The frame layer inside the pinned TLS 1.3 connection between one Client and one Connector (ALPN below).
 * One tunnel carries all their flows. This header is the specification.
 *
 *    0               1                               4                               8
 *   +---------------+-------------------------------+-------------------------------+----------
 *   | type (8)      | length of payload (24)        | stream (32)                   | payload …
 *   +---------------+-------------------------------+-------------------------------+----------
 *
 * Integers are big-endian. Streams are opened by the Client alone and numbered 1, 2, 3, …; stream 0 is the
 * tunnel itself. A payload is at most `maxPayload` bytes. Bytes after those that a layout names are ignored,
 * so that fields can be added; a frame of an unknown type is skipped.
 *
 *   type       stream  from     payload
 *   HELLO        0     Client   JSON `hello`: connection token, Client ACL. The first frame; nothing before it.
 *   WELCOME      0     Conn.    JSON `welcome`. Until it arrives a Client may already OPEN and send.
 *   ACL          0     Client   JSON `acl`: a renewed Client ACL replaces the one in force.
 *   GOAWAY       0     both     code (8). No new streams are accepted; those that live go on.
 *   PING         0     both     8 opaque bytes, answered by PONG with the same 8.
 *   PONG         0     both     8 bytes.
 *   OPEN         n     Client   connection id (16 bytes) · protocol (8: 6 TCP, 17 UDP, 1 ICMP, 253 DNS) · port (16) ·
 *                               credit (32: what the Connector may send at once) · host length (8) · host (UTF-8)
 *                               · client address length (8) · client address (UTF-8, may be empty)
 *   OPENED       n     Conn.    credit (32, *additional* to `initialCredit`) · address length (8) · the address
 *                               connected to. The far side has accepted. Nothing else but RESET or CREDIT before it.
 *   DATA         n     both     bytes of the flow, within the receiver's credit. A Client may send up to
 *                               `initialCredit` before OPENED.
 *   CREDIT       n     both     bytes (32) that the receiver grants in addition.
 *   FIN          n     both     empty: no more DATA from here (half-close).
 *   RESET        n     both     code (8): the flow is over, both ways; also the answer that refuses an OPEN.
 *   DATAGRAM     n     both     one UDP datagram, not subject to credit; may be dropped by the receiver.
 *                               Of an ICMP stream: one echo, the request up and the reply down: sequence
 *                               number (16) · data.
 *                               Of a DNS stream: one message (RFC 1035 §4.1). The Client asks for records of
 *                               the host or of an underscored name below it (RFC 8552), of an IP address for
 *                               its reverse name; the Connector answers each query that it takes with one
 *                               response of the same ID, records of the answer and at most a SOA.
 *
 * A stream ends when FIN has passed both ways, or by RESET. TCP streams carry DATA, the others DATAGRAM.
 * Frames for a stream that is unknown but not above the highest opened are late, not wrong: they are dropped.
 * Beyond `maxStreams` live streams OPEN is answered RESET(limit_reached). More DATA than credit, a length over
 * `maxPayload`, a broken layout, a frame from the wrong side or after FIN end the tunnel with GOAWAY and a close.
 *
 * Version history: 1 all of the above.
 */
import * as z from 'zod/mini';

export const alpn = 'sallyport/1';

export const frameTypes = {
  HELLO: 0x01,
  WELCOME: 0x02,
  ACL: 0x03,
  GOAWAY: 0x04,
  PING: 0x05,
  PONG: 0x06,
  OPEN: 0x10,
  OPENED: 0x11,
  DATA: 0x12,
  CREDIT: 0x13,
  FIN: 0x14,
  RESET: 0x15,
  DATAGRAM: 0x16,
} as const;

export const headerBytes = 8;
/** Of DATA, DATAGRAM and everything else but HELLO and ACL. */
export const maxPayload = 256 * 1024;
/** Of HELLO and ACL, which carry a signed ACL. */
export const maxHelloPayload = 4 * 1024 * 1024;
/**
 * What a Client may send on a stream before it is granted more: about TCP's own first flight (RFC 6928), so
 * that nothing is lost by it, and small enough that `maxStreams` of them stay a bounded promise.
 */
export const initialCredit = 16 * 1024;
export const maxStreams = 4096;

/** Of this layer; raised when a peer must know whether the other side understands. */
export const capability = 1;

/** IANA protocol numbers, as OPEN carries them; DNS has none, so the first for private use (RFC 3692). */
export const protocols = { tcp: 6, udp: 17, icmp: 1, dns: 253 } as const;

export const hello = z.object({
  capability: z.int(),
  connection_token: z.string(),
  acl: z.string(),
});
export const welcome = z.object({ capability: z.int() });
export const acl = z.object({ acl: z.string() });

export type FrameType = keyof typeof frameTypes;
export type Hello = z.infer<typeof hello>;
