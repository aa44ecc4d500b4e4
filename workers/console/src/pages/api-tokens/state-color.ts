/** Of what lives until it is revoked or runs out. */
export const stateColor = (state: 'active' | 'revoked' | 'expired'): string =>
  ({ active: 'teal', revoked: 'red', expired: 'gray' })[state];
