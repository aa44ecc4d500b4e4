/** Where the ways of people's browsers join the app. */
import type { Controller } from '../context.ts';
import { mountLogin } from './login.ts';

export function mountPeople(app: Controller): void {
  mountLogin(app);
}
