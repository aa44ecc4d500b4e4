/** GET /explain: would this principal reach this destination now, and if not, what stands in the way. */
import { adminRoute, answer } from '../../admin-route.ts';
import { decide } from './decide.ts';
import { explanation, question } from './shape.ts';

export const explain = adminRoute(
  {
    method: 'get',
    path: '/explain',
    tag: 'Grants',
    summary: 'Explain whether a Service Account or a user reaches a destination',
    needs: 'grants:read',
    query: question,
    answer: explanation,
    refuses: ['not_found'],
  },
  async (ask) => {
    const decision = await decide(ask, ask.query);
    return decision.ok ? answer(decision.explanation) : decision;
  },
);
