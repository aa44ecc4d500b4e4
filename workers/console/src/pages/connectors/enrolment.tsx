/** The texts that start a Connector (`texts.ts`), in tabs. The token in them works once and is shown once. */
import { Alert, Code, Stack, Tabs, Text, TextInput } from '@mantine/core';
import { KeyRound, TriangleAlert } from 'lucide-react';
import { useState } from 'react';
import { tenantBase } from '../../api/place.ts';
import { CodeBlock } from '../../parts/code-block.tsx';
import { Time } from '../../parts/time.tsx';
import { isLoopback, texts } from './texts.ts';

const url = location.origin + tenantBase;

export function EnrolmentTexts({
  name,
  token,
  expiresAt,
}: {
  name: string;
  token: string;
  expiresAt: string;
}) {
  const [image, setImage] = useState('sallyport');
  const shown = texts({ url, token, name, image: image.trim() || 'sallyport' });
  return (
    <Stack>
      <Alert color="blue" icon={<KeyRound size={18} aria-hidden />} title="The token is shown only now">
        <Text size="sm">
          Treat the text as a secret until the Connector has used it. The token works once, and ends{' '}
          <Time at={expiresAt} />.
        </Text>
      </Alert>
      {isLoopback(url) && (
        <Alert
          color="yellow"
          icon={<TriangleAlert size={18} aria-hidden />}
          title="Only this machine gets there"
        >
          <Text size="sm">
            {url} is an address of this machine. For Connectors elsewhere, start the Controller with an
            address that they reach, and open this page there.
          </Text>
        </Alert>
      )}
      <Tabs defaultValue="docker" keepMounted={false}>
        <Tabs.List aria-label="Where it runs">
          {shown.map(({ id, title }) => (
            <Tabs.Tab key={id} value={id}>
              {title}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {shown.map(({ id, title, before, text }) => (
          <Tabs.Panel key={id} value={id} pt="md">
            <Stack gap="sm">
              <Text size="sm">{before}</Text>
              {id !== 'systemd' && (
                <TextInput
                  label="Container image"
                  description={
                    <>
                      Built in the project’s folder by <Code>docker build --tag sallyport .</Code> Where
                      another host runs it, push it to your registry and write its name there.
                    </>
                  }
                  value={image}
                  onChange={({ currentTarget }) => setImage(currentTarget.value)}
                  maw={460}
                />
              )}
              <CodeBlock label={`${title} text`}>{text}</CodeBlock>
            </Stack>
          </Tabs.Panel>
        ))}
      </Tabs>
    </Stack>
  );
}
