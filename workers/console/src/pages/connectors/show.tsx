/** One Connector. */
import { Page } from '../../parts/page.tsx';

export default function ConnectorPage() {
  return <Page title="Connector">{null}</Page>;
}
