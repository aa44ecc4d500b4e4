/** Identity provider and SCIM. */
import { Page } from '../../parts/page.tsx';

export default function IdentityPage() {
  return <Page title="Identity provider">{null}</Page>;
}
