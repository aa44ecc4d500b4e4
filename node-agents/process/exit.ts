/**
 * Exit codes of every command, listed in its help: what a supervisor needs to know is whether starting again
 * can help. A code keeps its meaning for ever.
 */
import { type ErrorCode, errors, SallyportError } from '#schema/errors.ts';

export const exitCodes = {
  ok: { number: 0, meaning: 'ended as asked' },
  failure: { number: 1, meaning: 'failed; starting again may help' },
  usage: { number: 2, meaning: 'a flag or environment variable is unknown or wrong' },
  credential_dead: {
    number: 3,
    meaning: 'the key, login, Connector, relay or enrolment token is revoked, expired, used or unknown',
  },
  config: { number: 4, meaning: 'a key file or the state directory cannot be used' },
  unreachable: { number: 5, meaning: 'the Controller cannot be reached (commands that end by themselves)' },
  address_in_use: { number: 6, meaning: 'an address to listen on is in use' },
} as const;

export type ExitName = keyof typeof exitCodes;

/** Credentials that no further attempt brings back to life. */
const deadCredentials: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'credential_unknown',
  'credential_rejected',
  'key_revoked',
  'key_expired',
  'session_ended',
  'user_inactive',
  'enrolment_used',
  'enrolment_expired',
  'enrolment_unknown',
  'connector_revoked',
  'relay_revoked',
]);

export const isDeadCredential = (code: ErrorCode): boolean => deadCredentials.has(code);

const byCode: Partial<Record<ErrorCode, ExitName>> = {
  config_invalid: 'usage',
  key_file_missing: 'config',
  key_file_invalid: 'config',
  state_unreadable: 'config',
  state_permissions: 'config',
  tenant_unknown: 'config',
  controller_unreachable: 'unreachable',
  address_in_use: 'address_in_use',
};

export function exitNameOf(error: unknown): ExitName {
  if (!(error instanceof SallyportError)) return 'failure';
  return isDeadCredential(error.code) ? 'credential_dead' : (byCode[error.code] ?? 'failure');
}

/** One line for a person: what is wrong and what to do. Never a stack trace, never more than one line. */
export function complaint(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const what = oneLine(text)
    .replace(/[.\s]+$/, '')
    .replace(/[^?!]$/, '$&.');
  if (error instanceof SallyportError) return `${what} ${errors[error.code].remedy}`;
  return `${what} ${errors.internal_error.remedy.replace('`request_id`', 'the log at --log-level debug')}`;
}

/** What others wrote, fit for a terminal. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not reach a terminal
export const oneLine = (text: string): string => text.replace(/[\u0000-\u001f\u007f]+/g, ' ').slice(0, 1_000);
