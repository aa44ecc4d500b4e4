/**
 * How a program on this host learns that its connection is refused: the packet that answers its held SYN, or
 * its datagram, so that connect(2) fails with the errno it would have had in the private network. The reason
 * itself is in the log and in the event.
 */
import { type ErrorCode, errors } from '#schema/errors.ts';

/**
 * `reset`: ECONNREFUSED. `host`, `network`, `port`: ICMP unreachable, EHOSTUNREACH, ENETUNREACH and, for a
 * datagram, ECONNREFUSED. `prohibited`: EHOSTUNREACH over IPv4 (RFC 1812 §5.2.7.1).
 */
export type Answer = 'reset' | 'host' | 'network' | 'port' | 'prohibited';

/** @param protocol what was refused: there is no RST for a datagram. */
export function answerTo(code: ErrorCode, protocol: 'tcp' | 'udp' | 'icmp'): Answer {
  if (code === 'connection_refused' || code === 'connection_reset')
    return protocol === 'tcp' ? 'reset' : 'port';
  if (code === 'network_unreachable') return 'network';
  return errors[code].status === 403 ? 'prohibited' : 'host';
}
