/**
 * What every relay must do, whoever hosts it: one suite for the Node process and the Durable Object. What a
 * host cannot do is skipped with its reason.
 */
import { afterAll, beforeAll, describe } from 'vitest';
import { bounds } from './relay-bounds.ts';
import { refusals } from './relay-refusals.ts';
import { sessions } from './relay-sessions.ts';
import { type RelaySuite, Stage } from './relay-stage.ts';

export type { RelayUnderTest } from './relay-stage.ts';

export function relayContract(suite: RelaySuite): void {
  describe(`relay: ${suite.name}`, () => {
    const stage = new Stage(suite);
    beforeAll(() => stage.open());
    afterAll(() => stage.close());

    sessions(stage);
    refusals(stage);
    bounds(stage);
  });
}
