/** Explain: would somebody reach a destination now; what each component decides; and, by a probe, what happens. */
import { Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { Route } from 'lucide-react';
import { api, take } from '../../api/client.ts';
import { Empty } from '../../parts/empty.tsx';
import { Page } from '../../parts/page.tsx';
import { Refusal } from '../../parts/refusal.tsx';
import { destinationIn, type Question } from './destination.ts';
import { QuestionForm } from './form.tsx';
import { Probe } from './probe.tsx';
import { Verdict } from './verdict.tsx';

const route = getRouteApi('/explain');
const ask = ({ port, ...rest }: Question) =>
  take(api.explain.$get({ query: { ...rest, ...(port !== undefined && { port: String(port) }) } }));
export type Explanation = Awaited<ReturnType<typeof ask>>;

export default function Explain() {
  const { principal, destination } = route.useSearch();
  const navigate = route.useNavigate();
  const parsed = destination === undefined ? undefined : destinationIn(destination);
  const question = principal !== undefined && parsed ? { principal, ...parsed } : undefined;
  const { data, error } = useQuery({
    queryKey: ['explain', question],
    queryFn: () => ask(question!),
    enabled: question !== undefined,
  });
  return (
    <Page
      title="Explain"
      about="Pick somebody and a destination: what every component decides, why, and what would mend it."
    >
      <QuestionForm
        key={`${principal} ${destination}`}
        principal={principal}
        destination={destination}
        onAsk={(search) => navigate({ search })}
      />
      <Refusal error={error} />
      {question === undefined && (
        <Empty icon={Route} title="Nothing asked yet">
          Choose a Service Account or a person and write a destination, such as db.internal:5432.
        </Empty>
      )}
      {question && data && (
        <Stack>
          <Verdict of={data} />
          <Probe key={JSON.stringify(question)} question={question} explanation={data} />
        </Stack>
      )}
    </Page>
  );
}
