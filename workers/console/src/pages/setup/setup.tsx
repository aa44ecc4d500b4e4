/** The first run: a Tenant, its identity provider, its owner. */
import { Page } from '../../parts/page.tsx';

export default function Setup() {
  return <Page title="Set up Sallyport">{null}</Page>;
}
