/** A number of bytes or of things, as people read it. */
const steps = ['B', 'kB', 'MB', 'GB', 'TB'];

/** Decimal units, three digits: 12.3 MB. */
export function sayBytes(bytes: number): string {
  let size = bytes;
  let step = 0;
  while (size >= 999.5 && step < steps.length - 1) {
    size /= 1000;
    step++;
  }
  return `${step === 0 ? size : size.toPrecision(3)} ${steps[step]}`;
}

/** Milliseconds: 12 ms, 3.4 s, 5 min, 2 h. */
export function sayDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  if (ms < 3_600_000) return `${Math.round(ms / 60_000)} min`;
  if (ms < 172_800_000) return `${(ms / 3_600_000).toFixed(1)} h`;
  return `${Math.round(ms / 86_400_000)} days`;
}
