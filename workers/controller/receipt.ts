/**
 * What came of a revocation, as the API shows it: who confirmed, how much was cut, and how long it took.
 */
import { z } from '@hono/zod-openapi';
import type { Receipt } from './change.ts';
import { instant, iso } from './fields.ts';

export const receipt = z
  .object({
    revocation: z.string().openapi({ example: 'rvk_01jd3m8k2n4p6q8r0s2t4v6w8x' }),
    at: instant,
    complete: z
      .boolean()
      .openapi({ description: 'Whether every Connector and relay that is connected confirmed.' }),
    flows_cut: z.number().int(),
    tunnels_cut: z.number().int(),
    ms: z.number().int().openapi({ description: 'Until the last confirmation.' }),
    agents: z.array(
      z.object({
        role: z.enum(['connector', 'relay']),
        id: z.string(),
        confirmed: z.boolean(),
        flows_cut: z.number().int(),
        tunnels_cut: z.number().int(),
        ms: z.number().int(),
      }),
    ),
  })
  .openapi('RevocationReceipt');

export function showReceipt({ revocation, at, complete, agents }: Receipt): z.input<typeof receipt> {
  return {
    revocation,
    at: iso(at),
    complete,
    flows_cut: agents.reduce((sum, { flowsCut }) => sum + flowsCut, 0),
    tunnels_cut: agents.reduce((sum, { tunnelsCut }) => sum + tunnelsCut, 0),
    ms: Math.round(Math.max(0, ...agents.filter(({ confirmed }) => confirmed).map(({ ms }) => ms))),
    agents: agents.map(({ role, id, confirmed, flowsCut, tunnelsCut, ms }) => ({
      role,
      id,
      confirmed,
      flows_cut: flowsCut,
      tunnels_cut: tunnelsCut,
      ms: Math.round(ms),
    })),
  };
}
