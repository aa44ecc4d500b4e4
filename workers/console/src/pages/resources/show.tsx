/** One Resource. */
import { Page } from '../../parts/page.tsx';

export default function ResourcePage() {
  return <Page title="Resource">{null}</Page>;
}
