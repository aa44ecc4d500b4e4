/** One Security Policy. */
import { Page } from '../../parts/page.tsx';

export default function PolicyPage() {
  return <Page title="Policy">{null}</Page>;
}
