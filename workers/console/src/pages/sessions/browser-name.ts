/** A browser and its system in two words, out of what it says of itself; the rest is shown on hover. */
const browsers = [
  ['Edg/', 'Edge'],
  ['OPR/', 'Opera'],
  ['Firefox/', 'Firefox'],
  ['Chrome/', 'Chrome'],
  ['Safari/', 'Safari'],
] as const;
const systems = [
  ['Android', 'Android'],
  ['iPhone', 'iPhone'],
  ['iPad', 'iPad'],
  ['Windows', 'Windows'],
  ['Mac OS', 'macOS'],
  ['Linux', 'Linux'],
] as const;

export function browserName(userAgent: string | null): string {
  if (userAgent === null) return 'Unknown browser';
  const said = (names: readonly (readonly [string, string])[]) =>
    names.find(([mark]) => userAgent.includes(mark))?.[1];
  const [browser, system] = [said(browsers), said(systems)];
  return browser && system ? `${browser} on ${system}` : (browser ?? system ?? userAgent.slice(0, 40));
}
