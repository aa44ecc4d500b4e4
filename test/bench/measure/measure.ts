/**
 * What a measure is: something done to one subject, giving named figures. Each measure is a file beside this
 * one; `rounds.ts` runs them all, over and over, on every subject in turn.
 */
import type { Target } from '../load/flow.ts';
import type { Generator, Origin } from '../load/process.ts';

/** One way to the origin. The one called `direct` is what all others are compared with. */
export interface Subject {
  /** As in the JSON. */
  name: string;
  /** As in the tables. */
  title: string;
  /** Why it cannot be measured any more, if so. */
  trouble(): string | undefined;
  /** Where its load comes from, when that is another network than the others' load. */
  generator?: Generator;
  /** To one of the origin's ports. */
  target(port: number): Target;
  /** Where datagrams go on their way to an iperf3 server, when it carries them. */
  datagrams?: DatagramTarget;
  /** What is on the way, by part; a part is one process or several. */
  parts: Record<string, number[]>;
  /** Milliseconds from the spawn of a new Client (direct: of a bare Node process) to a first byte. */
  coldStart?(): Promise<number>;
  stop(): Promise<void>;
}

export interface DatagramTarget {
  host: string;
  port: number;
  /** In front of the sender's command, such as `ip netns exec X`. */
  prefix: string[];
}

export interface Bench {
  generator: Generator;
  origin: Origin;
  /** How long one measurement lasts. */
  milliseconds: number;
  /** The round that is forgotten. */
  warming?: boolean;
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
  /** Of a subject that has no such thing: no figures. */
  run(subject: Subject, bench: Bench): Promise<Figures>;
}
