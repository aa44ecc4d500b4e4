/**
 * All commands of the operator CLI, in the order in which help lists them.
 */
import { apply } from '../apply/apply.ts';
import type { Command } from '../command.ts';
import { eventCommands } from './event.ts';
import { networkCommands } from './network.ts';
import { peopleCommands } from './people.ts';
import { serviceCommands } from './service.ts';
import { tenantCommands } from './tenant.ts';

export const commands: readonly Command[] = [
  ...tenantCommands,
  ...networkCommands,
  ...serviceCommands,
  ...peopleCommands,
  ...eventCommands,
  {
    name: 'apply',
    help: 'makes the configuration what a JSON file says, by names',
    takes: ['FILE'],
    fields: [
      { flag: 'dry-run', help: 'prints what would be done and does nothing', as: 'switch', sends: null },
      {
        flag: 'prune',
        help: 'deletes what the file’s lists lack; without it nothing is ever deleted',
        as: 'switch',
        sends: null,
      },
    ],
    run: apply,
  },
];
