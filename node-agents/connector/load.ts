/**
 * How much of the load this Connector asks for: the weight it was given, or a part of it while it is busy
 * (`schema/path/load.ts`). Flows all pass through one thread, so how long its event loop is at work is what
 * becomes scarce first; the bounds of `limits.ts` come after. `assemble.ts` tells the Controller.
 */
import { type EventLoopUtilization, performance } from 'node:perf_hooks';
import { effectiveWeight, Load, type LoadClass } from '#schema/path/load.ts';
import { limits } from './limits.ts';

export interface ConnectorLoadOptions {
  weight: number;
  /** Live ones. */
  counts(): { flows: number; tunnels: number };
  /** The weight is another now. */
  onChange(): void;
  /** Monotonic milliseconds. */
  now(): number;
}

const sampleMs = 2_000;

export class ConnectorLoad {
  readonly #o: ConnectorLoadOptions;
  readonly #load = new Load();
  readonly #timer: NodeJS.Timeout;
  #before: EventLoopUtilization = performance.eventLoopUtilization();
  /** Of whatever is scarcest, 0 to 1. */
  utilisation = 0;

  constructor(o: ConnectorLoadOptions) {
    this.#o = o;
    this.#timer = setInterval(() => this.#sample(), sampleMs).unref();
  }

  get class(): LoadClass['name'] {
    return this.#load.class.name;
  }

  get weight(): number {
    return effectiveWeight(this.#o.weight, this.#load.class);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #sample(): void {
    const { counts, onChange, now } = this.#o;
    const loop = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(loop, this.#before);
    this.#before = loop;
    const { flows, tunnels } = counts();
    this.utilisation = Math.max(utilization, flows / limits.flows, tunnels / limits.tunnels);
    const before = this.weight;
    if (this.#load.sample(this.utilisation, now()) && this.weight !== before) onChange();
  }
}
