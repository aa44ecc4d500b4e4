/** Remote Networks. */
import { Page } from '../../parts/page.tsx';

export default function NetworkList() {
  return <Page title="Remote Networks">{null}</Page>;
}
