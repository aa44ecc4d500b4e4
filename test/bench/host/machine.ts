/** What a figure was measured on. */
import { cpus, release, totalmem } from 'node:os';
import { congestionControl } from './namespace.ts';

export interface Machine {
  cpu: string;
  cores: number;
  memory_gib: number;
  kernel: string;
  node: string;
  tcp: string;
}

export const machine = (): Machine => ({
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  memory_gib: Math.round(totalmem() / 2 ** 30),
  kernel: release(),
  node: process.version,
  tcp: congestionControl(),
});
