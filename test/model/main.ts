/**
 * `npm run sim -- --runs N [--seed S] [--rounds R]`: simulates the network N times, each run from a seed of
 * its own, and ends with `N passed, M failed`. A failing seed repeats the same run.
 */
import { parseArgs } from 'node:util';
import { simulate } from './simulate.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '60' },
  },
});
const total = { accepted: 0, refused: 0, bytes: 0, changes: 0 };
let [passed, failed] = [0, 0];
for (let i = 0; i < Number(values.runs); i++) {
  const seed = Number(values.seed) + i;
  try {
    const tally = simulate(seed, Number(values.rounds));
    for (const name of Object.keys(total) as (keyof typeof total)[]) total[name] += tally[name];
    passed++;
  } catch (error) {
    failed++;
    console.log(`seed ${seed}: ${(error as Error).stack}`);
  }
}
console.log(
  `judged ${total.accepted} allowed and ${total.refused} refused, ${total.bytes} bytes came back, ${total.changes} changes`,
);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
