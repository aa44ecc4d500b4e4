/**
 * Sets and removes the rules and routes that send protected addresses into the TUN device (what they are:
 * `route-plan.ts`). Starts from whatever a killed daemon left: what is right stays in place, so that nothing
 * is open for a moment, the rest is replaced.
 */
import { ipBatch, ipJson } from './ip.ts';
import type { RoutePlan } from './route-plan.ts';

export interface Routes {
  /** The protected prefixes changed (ACL): adds first, then removes. Calls are carried out one by one. */
  setPrefixes(prefixes: readonly string[]): Promise<void>;
  /** Removes everything of ours. */
  remove(): Promise<void>;
}

/**
 * The device must be open already. In order: unreachable routes, rules, the device with its addresses and routes.
 * @throws SallyportError `tun_unavailable`, `routes_failed`; what was set until then is removed again.
 */
export declare function installRoutes(plan: RoutePlan): Promise<Routes>;

/** Removes what a killed daemon may have left; nothing there is no failure. */
export declare function removeRoutes(): Promise<void>;
void ipBatch, ipJson;
