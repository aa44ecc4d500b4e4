/**
 * The header by which a page of the console says that nobody has touched it for a while: what it asks then does
 * not count as use of the session (`workers/controller/people/console-session.ts`). It can only shorten a session.
 */
export const unattendedHeader = 'sallyport-unattended';
