/** When a new Service Key ends: the choices that the form offers, and a date of one's own, in whole days. */

export const expiryChoices = [
  { value: '30', label: '30 days' },
  { value: '90', label: '90 days' },
  { value: '365', label: '365 days' },
  { value: 'date', label: 'On a date…' },
  { value: 'never', label: 'Never: unlimited' },
];
export const usualExpiry = '365';

/**
 * @param choice a value of `expiryChoices`. @param date as 2027-01-31, where the choice is a date.
 * @returns days from now on; null: unlimited; undefined: no date that can be meant.
 */
export function daysOf(choice: string, date: string, nowMs: number): number | null | undefined {
  if (choice === 'never') return null;
  if (choice !== 'date') return Number(choice);
  // Both at midnight UTC: a difference of whole days whatever the clocks do between them.
  const days = (Date.parse(date) - Date.parse(dayOf(nowMs))) / (24 * 3_600_000);
  return Number.isInteger(days) && days >= 1 && days <= 36_500 ? days : undefined;
}

/** The day here, as 2027-01-31. */
export const dayOf = (ms: number): string => new Intl.DateTimeFormat('sv-SE').format(ms);
