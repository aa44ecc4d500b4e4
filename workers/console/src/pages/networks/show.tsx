/** One Remote Network. */
import { Page } from '../../parts/page.tsx';

export default function NetworkPage() {
  return <Page title="Remote Network">{null}</Page>;
}
