/** Sessions in the console. */
import { Page } from '../../parts/page.tsx';

export default function SessionList() {
  return <Page title="Sessions">{null}</Page>;
}
