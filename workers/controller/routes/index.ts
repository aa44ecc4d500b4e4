/**
 * Where the routes of administrators join the app.
 */
import type { Controller } from '../context.ts';

export function mountAdminRoutes(_app: Controller): void {}
