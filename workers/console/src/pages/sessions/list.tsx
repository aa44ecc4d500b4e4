/** One's own sessions, and everybody's: who is in the console, and the way to log them out. */
import { useCan, useSession } from '../../api/session.ts';
import { Page } from '../../parts/page.tsx';
import { DeviceSessions } from '../people/devices.tsx';
import { BrowserSessions } from './browsers.tsx';

export default function SessionList() {
  const { user } = useSession();
  const mayRead = useCan()('sessions:read');
  return (
    <Page title="Sessions" about="Where you are logged in, and who else is in the console.">
      {mayRead && user && <BrowserSessions user={user.id} title="Yours in the console" />}
      {mayRead && user && <DeviceSessions user={user.id} />}
      {mayRead && <BrowserSessions title="Everybody’s in the console" />}
    </Page>
  );
}
