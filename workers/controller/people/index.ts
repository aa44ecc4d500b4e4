/** Where the ways of people's browsers and of their Clients join the app. */
import type { Controller } from '../context.ts';
import { answerClient, mountAuthorize } from './authorize.ts';
import { confirmDevice, mountDevice } from './device.ts';
import { mountLogin } from './login.ts';

export function mountPeople(app: Controller): void {
  mountLogin(app, { client: answerClient, device: confirmDevice });
  mountAuthorize(app);
  mountDevice(app);
}
