/**
 * What the operating system says about a connection, in the words of `schema/errors.ts`: for the Connector
 * when it dials and for `tunnel/splice.ts` when an established connection breaks.
 */
import type { ErrorCode } from '#schema/errors.ts';

const codes: Record<string, ErrorCode> = {
  ECONNREFUSED: 'connection_refused',
  ECONNRESET: 'connection_reset',
  EPIPE: 'connection_reset',
  ECONNABORTED: 'connection_reset',
  ETIMEDOUT: 'connection_timeout',
  EHOSTUNREACH: 'host_unreachable',
  EHOSTDOWN: 'host_unreachable',
  ENETUNREACH: 'network_unreachable',
  ENETDOWN: 'network_unreachable',
  EADDRNOTAVAIL: 'network_unreachable',
  ENOTFOUND: 'name_not_found',
  EAI_AGAIN: 'name_failed',
  /** Of a stream that was destroyed before its end. */
  ABORT_ERR: 'cancelled',
  ERR_STREAM_PREMATURE_CLOSE: 'cancelled',
  EMFILE: 'limit_reached',
  ENFILE: 'limit_reached',
};

export const codeOfSocketError = (error: Error): ErrorCode =>
  codes[(error as NodeJS.ErrnoException).code ?? ''] ?? 'internal_error';
