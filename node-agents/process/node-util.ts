/**
 * node:util for agents. An `import` of it reads all its exports, and with them loads what no agent uses: four
 * milliseconds of a start (`http.ts` says the same of node:http). Types come from node:util as usual.
 */
import type * as util from 'node:util';

export const { inspect, parseArgs, promisify }: typeof util = process.getBuiltinModule('node:util');
