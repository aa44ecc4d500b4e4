/**
 * The life of a Service Key. Expiry is set at creation and comes by time alone; revocation is final; a key
 * is deleted only once it is dead, and then it is gone for good.
 *
 *   active ──revoke──▶ revoked ──delete──▶ gone
 *     └─────time─────▶ expired ──delete──▶ gone
 *
 * The Controller's routes ask which action a state allows, its login whether the key is `active`.
 */

export const serviceKeyStates = ['active', 'revoked', 'expired'] as const;
export const serviceKeyActions = ['revoke', 'rename', 'delete'] as const;
export type ServiceKeyState = (typeof serviceKeyStates)[number];
export type ServiceKeyAction = (typeof serviceKeyActions)[number];

const life: Record<ServiceKeyState, readonly ServiceKeyAction[]> = {
  active: ['revoke', 'rename'],
  revoked: ['delete'],
  expired: ['delete'],
};

/** Milliseconds since the epoch; `expiresAt` null = unlimited. */
export function stateOf(
  { revokedAt, expiresAt }: { revokedAt: number | null; expiresAt: number | null },
  nowMs: number,
): ServiceKeyState {
  if (revokedAt !== null) return 'revoked';
  return expiresAt !== null && expiresAt <= nowMs ? 'expired' : 'active';
}

export const allowedIn = (state: ServiceKeyState): readonly ServiceKeyAction[] => life[state];
