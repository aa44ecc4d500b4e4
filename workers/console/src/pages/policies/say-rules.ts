/** A policy's rules in few words, for lists. */
import type { PolicyRules } from '#schema/policy/rules.ts';

/** Seconds: 5 min, 8 h, 30 days. */
export function sayLength(seconds: number): string {
  if (seconds < 3600) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Number((seconds / 3600).toFixed(1))} h`;
  return `${Number((seconds / 86_400).toFixed(1))} days`;
}

export function sayRules(rules: PolicyRules): string[] {
  const any = (values: readonly string[]) => values.join(' or ');
  return [
    `a login of the last ${sayLength(rules.session_seconds)}`,
    ...(rules.reauthenticate_seconds === null
      ? []
      : [`proved within ${sayLength(rules.reauthenticate_seconds)}`]),
    ...(rules.acr.length === 0 ? [] : [`acr ${any(rules.acr)}`]),
    ...(rules.amr.length === 0 ? [] : [`by ${any(rules.amr)}`]),
    ...(rules.idp_groups.length === 0 ? [] : [`in ${any(rules.idp_groups)}`]),
    ...(rules.networks.length === 0 ? [] : [`from ${any(rules.networks)}`]),
    ...(rules.min_version === null ? [] : [`Client ${rules.min_version} or newer`]),
    ...(rules.platforms.length === 0 ? [] : [`on ${any(rules.platforms)}`]),
  ];
}
