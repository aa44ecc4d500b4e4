/** Service Accounts. */
import { Page } from '../../parts/page.tsx';

export default function ServiceList() {
  return <Page title="Services">{null}</Page>;
}
