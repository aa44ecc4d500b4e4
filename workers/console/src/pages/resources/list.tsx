/** Resources. */
import { Page } from '../../parts/page.tsx';

export default function ResourceList() {
  return <Page title="Resources">{null}</Page>;
}
