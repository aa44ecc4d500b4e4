/**
 * What a measure is: something done to one subject, giving named figures. Each measure is a file beside this
 * one; `rounds.ts` runs them all, over and over, on every subject in turn.
 */
import type { Target } from '../load/flow.ts';
import type { Generator, Origin } from '../load/process.ts';

export type SubjectName = 'direct' | 'node_relay' | 'edge_relay';

/** One way to the origin. */
export interface Subject {
  name: SubjectName;
  /** Why it cannot be measured any more, if so. */
  trouble(): string | undefined;
  /** To one of the origin's ports. */
  target(port: number): Target;
  /** What is on the way, by part; a part is one process or several. */
  parts: Record<string, number[]>;
  /** Milliseconds from the spawn of a new Client (direct: of a bare Node process) to a first byte. */
  coldStart(): Promise<number>;
  stop(): Promise<void>;
}

export interface Bench {
  generator: Generator;
  origin: Origin;
  /** How long one measurement lasts. */
  milliseconds: number;
}

export type Figures = Record<string, number>;

export interface Column {
  /** As in the JSON. */
  key: string;
  title: string;
  unit: string;
  /** Absent: a figure of its own, without a ratio. */
  better?: 'higher' | 'lower';
}

export interface Measure {
  name: string;
  /** Taken after the last round alone. */
  once?: boolean;
  /** Has nothing to warm up. */
  cold?: boolean;
  columns: Column[];
  run(subject: Subject, bench: Bench): Promise<Figures>;
}

/** The parts that a way can have, in the order that a request meets them. */
export const partNames = ['load', 'client', 'relay', 'connector', 'origin'] as const;
