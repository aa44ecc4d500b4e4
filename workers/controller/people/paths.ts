/** Where people's browsers go, below the Tenant's URL. */
export const loginPaths = {
  /** Chooses the identity provider and sends the browser there. */
  start: '/login',
  /** Where identity providers send it back. */
  callback: '/login/callback',
  logout: '/logout',
  /** RFC 8628: where somebody types the code that their device shows. */
  device: '/device',
  /** RFC 6749 §3.1: where a person's Client sends their browser. */
  authorize: '/oauth/authorize',
  deviceAuthorization: '/oauth/device_authorization',
} as const;
