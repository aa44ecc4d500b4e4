/**
 * A V8 profile as a flame chart: an SVG in which each function is as wide as the time spent in it and in what it
 * called, callers above. Where one is pointed at, its name and share show. Idle time is left out.
 */
import { type Profile, placeOf } from './profile.ts';

interface Frame {
  name: string;
  milliseconds: number;
  callees: Map<string, Frame>;
}

const page = { width: 1200, row: 16, head: 28 };
/** Of the whole: a narrower frame says nothing, and there are thousands of them. */
const narrowest = 0.003;
const idle = new Set(['(idle)', '(root)']);

export function flameChart(profile: Profile, title: string): string {
  const root = merged(profile);
  const rows: string[] = [];
  const depth = draw(root, 0, 0, root.milliseconds, rows);
  const height = page.head + (depth + 1) * page.row + 8;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${page.width} ${height}" width="${page.width}" height="${height}" font-family="monospace" font-size="10">
<rect width="100%" height="100%" fill="#fff"/>
<text x="4" y="18" font-size="13">${escaped(title)}: ${root.milliseconds.toFixed(0)} ms busy</text>
${rows.join('\n')}
</svg>
`;
}

/** Samples of the same chain of calls together, whichever lines they were at. */
function merged({ nodes, samples, timeDeltas }: Profile): Frame {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const caller = new Map(nodes.flatMap(({ id, children }) => (children ?? []).map((child) => [child, id])));
  const root: Frame = { name: 'all', milliseconds: 0, callees: new Map() };
  samples.forEach((sample, i) => {
    const stack: string[] = [];
    for (let id: number | undefined = sample; id !== undefined; id = caller.get(id))
      stack.push(placeOf(byId.get(id)!.callFrame));
    if (stack[0] === '(idle)') return;
    const milliseconds = timeDeltas[i]! / 1000;
    root.milliseconds += milliseconds;
    let frame = root;
    for (const name of stack.reverse()) {
      if (idle.has(name)) continue;
      let callee = frame.callees.get(name);
      if (callee === undefined) {
        callee = { name, milliseconds: 0, callees: new Map() };
        frame.callees.set(name, callee);
      }
      callee.milliseconds += milliseconds;
      frame = callee;
    }
  });
  return root;
}

/** @returns the deepest row drawn. */
function draw(frame: Frame, left: number, depth: number, all: number, rows: string[]): number {
  const width = (frame.milliseconds / all) * page.width;
  const y = page.head + depth * page.row;
  const share = ((100 * frame.milliseconds) / all).toFixed(1);
  const shown = frame.name.slice(0, Math.max(0, Math.floor(width / 6.2) - 1));
  rows.push(
    `<g><title>${escaped(frame.name)}, ${share} %</title><rect x="${left.toFixed(1)}" y="${y}" width="${width.toFixed(1)}" height="${page.row - 1}" fill="${colour(frame.name)}"/><text x="${(left + 2).toFixed(1)}" y="${y + 11}">${escaped(shown)}</text></g>`,
  );
  let deepest = depth;
  let at = left;
  for (const callee of [...frame.callees.values()].sort((a, b) => b.milliseconds - a.milliseconds)) {
    if (callee.milliseconds / all < narrowest) break;
    deepest = Math.max(deepest, draw(callee, at, depth + 1, all, rows));
    at += (callee.milliseconds / all) * page.width;
  }
  return deepest;
}

/** Ours, packages', Node's own, and what is no JavaScript. */
function colour(name: string): string {
  if (/ {2}(node-agents|schema)\//.test(name)) return '#93c5fd';
  if (name.includes('  node_modules/')) return '#c4b5fd';
  if (name.includes('  node:')) return '#fdba74';
  return '#e5e7eb';
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
