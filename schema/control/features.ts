/**
 * Which capability an agent needs for what (`messages.ts` has the history of the number). The Controller
 * refuses to configure what a Connector of the Remote Network is too old to carry out.
 */
export const neededCapability = {
  /** A Resource granted to a Service Account. */
  serviceGrant: 1,
  /** Offers of direct paths. */
  directPath: 2,
  /** Trying a destination for an administrator. */
  probe: 3,
} as const;
