/**
 * The Controller's API as the console calls it: Hono's own client, typed by the routes themselves. Every
 * call goes through `take`, which gives what was asked for or throws a `Problem`.
 */
import { type ClientResponse, hc } from 'hono/client';
import { unattendedHeader } from '#schema/people/unattended.ts';
import type { Api } from '#workers/controller/routes/index.ts';
import { attended } from '../browser/attention.ts';
import { tenantBase } from './place.ts';
import { Problem, problemOf } from './problem.ts';

/** `api.groups.$get({ query })`: the routes below `/api/v1`. */
export const api = hc<Api>(location.origin + tenantBase, {
  fetch: (input: RequestInfo | URL, init?: RequestInit) => {
    const headers = new Headers(init?.headers);
    // What an open page asks by itself is no use of the session, which ends an hour after the last.
    if (!attended()) headers.set(unattendedHeader, '1');
    return fetch(input, { ...init, headers });
  },
}).api.v1;

/**
 * @returns the answer's body; undefined where there is none.
 * @throws Problem
 */
export async function take<T>(asked: Promise<ClientResponse<T, number, 'json'>>): Promise<T> {
  let response: ClientResponse<T, number, 'json'>;
  try {
    response = await asked;
  } catch (cause) {
    throw new Problem({
      code: 'unreachable',
      title: 'The Controller does not answer',
      remedy: 'Check your network; the page tries again by itself.',
      retry: true,
      cause,
    });
  }
  if (!response.ok) throw await problemOf(response as unknown as Response);
  if (response.status === 204) return undefined as T;
  return (await response.json()) as T;
}
