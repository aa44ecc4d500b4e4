/** One Service Account. */
import { Page } from '../../parts/page.tsx';

export default function ServicePage() {
  return <Page title="Service">{null}</Page>;
}
