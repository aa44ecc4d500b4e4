/** Security Policies. */
import { Page } from '../../parts/page.tsx';

export default function PolicyList() {
  return <Page title="Policies">{null}</Page>;
}
