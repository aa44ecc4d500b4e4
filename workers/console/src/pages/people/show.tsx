/** One person. */
import { Page } from '../../parts/page.tsx';

export default function PersonPage() {
  return <Page title="Person">{null}</Page>;
}
