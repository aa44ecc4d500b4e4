/** Whether somebody is at the page: a key, a pointer or a wheel within the last minute. */
const minuteMs = 60_000;
let touchedAt = Date.now();

for (const kind of ['pointerdown', 'pointermove', 'keydown', 'wheel', 'touchstart'] as const) {
  addEventListener(kind, () => (touchedAt = Date.now()), { passive: true, capture: true });
}

export const attended = (): boolean => Date.now() - touchedAt < minuteMs;
