/** Recent Activity: what happened to flows, of the whole Tenant; its filters are in the URL. */
import { getRouteApi } from '@tanstack/react-router';
import { Activity } from '../../parts/activity/activity.tsx';
import { Page } from '../../parts/page.tsx';

const route = getRouteApi('/activity');

export default function ActivityList() {
  const filter = route.useSearch();
  const navigate = route.useNavigate();
  return (
    <Page
      title="Recent Activity"
      about="Every flow that was started, closed, denied or failed; what happens now shows up by itself."
    >
      <Activity
        filter={filter}
        change={(part) => navigate({ search: { ...filter, ...part }, replace: true })}
      />
    </Page>
  );
}
