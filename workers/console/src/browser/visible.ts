/** Whether somebody looks at this page: what is only watched can wait while nobody does. */

/** Resolves at once where the page is shown, else when it is, or when the signal ends it. */
export function shown(signal: AbortSignal): Promise<void> {
  if (document.visibilityState === 'visible') return Promise.resolve();
  return new Promise((done) => {
    const look = () => document.visibilityState === 'visible' && finish();
    const finish = () => {
      document.removeEventListener('visibilitychange', look);
      done();
    };
    document.addEventListener('visibilitychange', look);
    signal.addEventListener('abort', finish, { once: true });
  });
}
