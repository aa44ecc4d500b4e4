/** The guide to a new Connector. */
import { Page } from '../../parts/page.tsx';

export default function AddConnector() {
  return <Page title="Add a Connector">{null}</Page>;
}
