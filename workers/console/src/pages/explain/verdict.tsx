/** The verdict, and below it each component's decision in the order in which they are asked. */
import { Alert, Paper, Text, ThemeIcon, Timeline } from '@mantine/core';
import { Check, ShieldCheck, ShieldX, X } from 'lucide-react';
import { errors, isErrorCode } from '#schema/errors.ts';
import { sayRemedy } from '../../parts/activity/words.tsx';
import type { Explanation } from './explain.tsx';

const titles: Record<Explanation['steps'][number]['check'], string> = {
  service_key: 'Service Key',
  user: 'Person',
  session: 'Login on a device',
  resource: 'Client ACL: is it a Resource',
  grant: 'Client ACL: is it granted',
  port: 'Client ACL: port and protocol',
  policy: 'Security Policy',
  connector: 'Connector health',
  connector_acl: 'Connector ACL',
};

export function Verdict({
  of: { allowed, code, steps, resource_name: resource, rule },
}: {
  of: Explanation;
}) {
  const title = isErrorCode(code) ? errors[code].title : (code ?? '');
  return (
    <>
      {allowed ? (
        <Alert color="teal" icon={<ShieldCheck size={18} />} title="It would be let through">
          {resource} decides, by {rule}.
        </Alert>
      ) : (
        <Alert color="red" icon={<ShieldX size={18} />} title="It would be refused">
          <Text size="sm">{title}</Text>
          <Text size="xs" c="dimmed" ff="monospace">
            {code}
          </Text>
        </Alert>
      )}
      <Paper>
        <Timeline bulletSize={24} lineWidth={2} active={steps.length}>
          {steps.map(({ check, ok, detail, remedy }) => (
            <Timeline.Item
              key={check}
              title={titles[check]}
              bullet={
                <ThemeIcon size={24} radius="xl" color={ok ? 'teal.8' : 'red.8'}>
                  {ok ? <Check size={14} aria-label="yes" /> : <X size={14} aria-label="no" />}
                </ThemeIcon>
              }
            >
              <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
                {detail}
              </Text>
              {remedy !== null && (
                <Text size="sm" c="dimmed">
                  {sayRemedy(remedy)}
                </Text>
              )}
            </Timeline.Item>
          ))}
        </Timeline>
      </Paper>
    </>
  );
}
