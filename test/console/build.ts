/** Before the tests in a browser: the console is built once, so that no two of them build it at the same time. */
import { buildConsole } from '#workers/local/console-files.ts';

export const setup = (): Promise<void> => buildConsole();
