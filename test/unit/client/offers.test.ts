/** Proves node-agents/client/offers.ts: what becomes of an offer, whatever is or is not said to it. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Offers } from '#node-agents/client/offers.ts';
import type { FromAgent } from '#schema/control/messages.ts';
import { offerLimits } from '#schema/path/desk.ts';
import { random } from '../link/peers.ts';

const own = [{ kind: 'host', address: '10.0.0.5', port: 40_000 } as const];
const theirs = [{ kind: 'host', address: '10.0.0.6', port: 50_000 } as const];
const patient = () => new AbortController().signal;
let sent: Extract<FromAgent, { type: 'offer' }>[];
let open: boolean;
let offers: Offers;

beforeEach(() => {
  vi.useFakeTimers();
  sent = [];
  open = true;
  offers = new Offers({ send: (message) => open && sent.push(message as never) > 0, random });
});
afterEach(() => void vi.useRealTimers());

test('waits until the Controller has been met, and is answered once', async () => {
  const made = offers.make('hash', own, patient());
  await vi.advanceTimersByTimeAsync(100);
  expect(sent).toEqual([]);
  offers.welcomed(2);
  await vi.advanceTimersByTimeAsync(0);
  expect(sent).toEqual([expect.objectContaining({ type: 'offer', connector: 'hash', candidates: own })]);
  offers.answered({ type: 'answer', offer: 'another', candidates: own });
  offers.answered({ type: 'answer', offer: sent[0]!.offer, candidates: theirs });
  offers.answered({ type: 'answer', offer: sent[0]!.offer, code: 'path_unavailable' });
  expect(await made).toEqual(theirs);
});

test.for([
  [
    'a refusal',
    (offer: string) => offers.answered({ type: 'answer', offer, code: 'limit_reached' }),
    'limit_reached',
  ],
  [
    'an unknown reason',
    (offer: string) => offers.answered({ type: 'answer', offer, code: 'x' }),
    'unknown_error',
  ],
  ['silence', () => vi.advanceTimersByTimeAsync(offerLimits.lifeMs), 'connector_unresponsive'],
] as const)('%s ends it', async ([, say, code]) => {
  offers.welcomed(2);
  const made = offers.make('hash', own, patient());
  const refused = expect(made).rejects.toMatchObject({ code });
  await vi.advanceTimersByTimeAsync(0);
  await say(sent[0]!.offer);
  await refused;
});

test('to an old Controller, over a closed channel, or given up, nothing is sent', async () => {
  offers.welcomed(1);
  await expect(offers.make('hash', own, patient())).rejects.toMatchObject({ code: 'version_unsupported' });
  offers.welcomed(2);
  open = false;
  await expect(offers.make('hash', own, patient())).rejects.toMatchObject({ code: 'controller_unreachable' });
  open = true;
  await expect(offers.make('hash', own, AbortSignal.abort())).rejects.toMatchObject({ code: 'cancelled' });
  expect(sent).toEqual([]);
});
