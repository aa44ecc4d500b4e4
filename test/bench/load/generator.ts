/**
 * The load generator, a process of its own: takes one job at a time over IPC and answers with its result.
 */
import { type BulkJob, bulk } from './bulk.ts';
import { type ExchangesJob, exchanges } from './exchanges.ts';
import { type NewFlowsJob, newFlows } from './new-flows.ts';

export type Job = BulkJob | ExchangesJob | NewFlowsJob;

const run = (job: Job) => {
  switch (job.kind) {
    case 'bulk':
      return bulk(job);
    case 'exchanges':
      return exchanges(job);
    case 'new-flows':
      return newFlows(job);
  }
};

process.on('message', (job: Job) => {
  run(job).then(
    (result) => process.send!({ result }),
    (error: Error) => process.send!({ error: error.message }),
  );
});
process.on('disconnect', () => process.exit());
process.send!({ result: 'ready' });
