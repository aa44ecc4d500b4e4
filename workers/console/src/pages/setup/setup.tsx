/**
 * The first run: whoever has a setup code makes a Tenant with its identity provider and its owner. The code is
 * typed here and goes out as a credential; it is in no address and gone when this page is left.
 */
import { Alert, Button, Center, Paper, PasswordInput, Stack, Text, TextInput, Title } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useDocumentTitle } from '@mantine/hooks';
import { useState } from 'react';
import { api, take } from '../../api/client.ts';
import { Copied } from '../../parts/code-block.tsx';
import { showFieldErrors } from '../../parts/form-errors.ts';
import { Refusal } from '../../parts/refusal.tsx';
import { emptyProvider, ProviderFields, type ProviderValues, providerBody } from '../identity/fields.tsx';

interface Values extends ProviderValues {
  code: string;
  tenant: string;
  slug: string;
  owner_email: string;
}

/** Of the first word that somebody types as a name. */
const slugOf = (name: string): string =>
  name
    .toLowerCase()
    .normalize('NFKD')
    .replace(/\p{Mark}/gu, '')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 40);

const setUp = ({ code, tenant, slug, owner_email, ...provider }: Values) =>
  take(
    api.setup.$post(
      { json: { slug, name: tenant, owner_email, identity_provider: providerBody(provider) } },
      { headers: { authorization: `Bearer ${code.trim()}` } },
    ),
  );
type Done = Awaited<ReturnType<typeof setUp>>;

export default function Setup() {
  useDocumentTitle('Set up · Sallyport');
  const [done, setDone] = useState<Done>();
  return (
    <Center component="main" py={{ base: 'md', sm: 'xl' }} px="md">
      <Stack w="100%" maw={560} gap="lg">
        <Stack gap={4}>
          <Text fw={700} c="dimmed">
            Sallyport
          </Text>
          <Title order={1}>{done ? 'One thing is left' : 'Set up Sallyport'}</Title>
        </Stack>
        {done ? <Finished done={done} /> : <SetupForm onDone={setDone} />}
      </Stack>
    </Center>
  );
}

function SetupForm({ onDone }: { onDone: (done: Done) => void }) {
  const [slugTyped, setSlugTyped] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [running, setRunning] = useState(false);
  const form = useForm<Values>({
    initialValues: { code: '', tenant: '', slug: '', owner_email: '', ...emptyProvider },
  });
  const submit = async (values: Values) => {
    setRunning(true);
    setError(null);
    try {
      onDone(await setUp(values));
    } catch (refusal) {
      const inFields = showFieldErrors(refusal, (errors) => form.setErrors(namesHere(errors)));
      if (!inFields) setError(refusal);
    } finally {
      setRunning(false);
    }
  };
  const { slug } = form.values;
  return (
    <form onSubmit={form.onSubmit(submit)}>
      <Stack gap="md">
        <Paper>
          <Stack>
            <PasswordInput
              label="Setup code"
              description="Printed when the Controller was started; good once, within an hour"
              required
              autoComplete="off"
              data-autofocus
              {...form.getInputProps('code')}
            />
            <TextInput
              label="Name of your organisation"
              required
              maxLength={128}
              {...form.getInputProps('tenant')}
              onChange={({ currentTarget: { value } }) => {
                form.setFieldValue('tenant', value);
                if (!slugTyped) form.setFieldValue('slug', slugOf(value));
              }}
            />
            <TextInput
              label="Short name"
              description={`In addresses: ${location.origin}/t/${slug || '…'}`}
              required
              {...form.getInputProps('slug')}
              onChange={({ currentTarget: { value } }) => {
                setSlugTyped(true);
                form.setFieldValue('slug', value);
              }}
            />
            <TextInput
              label="Your e-mail address"
              description="As your identity provider knows you: you become the owner"
              type="email"
              required
              autoComplete="email"
              {...form.getInputProps('owner_email')}
            />
          </Stack>
        </Paper>
        <Paper>
          <Stack>
            <Title order={2}>Where your people log in</Title>
            <ProviderFields
              form={form}
              redirectUri={`${location.origin}/t/${slug || '<short name>'}/login/callback`}
            />
          </Stack>
        </Paper>
        <Refusal error={error} />
        <Button type="submit" size="md" loading={running}>
          Set up
        </Button>
      </Stack>
    </form>
  );
}

function Finished({ done }: { done: Done }) {
  return (
    <Paper>
      <Stack>
        <Text>
          <b>{done.tenant.name}</b> is there. Register this redirect URI at your identity provider, if you
          have not:
        </Text>
        <Alert color="gray" p="xs">
          <Copied text={done.redirect_uri} label="the redirect URI" />
        </Alert>
        <Button component="a" href={done.login_url} size="md">
          Log in as the owner
        </Button>
      </Stack>
    </Paper>
  );
}

/** The body's fields as this form calls them. */
const namesHere = (errors: Record<string, string>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(errors).map(([name, said]) => [
      name === 'name' ? 'tenant' : name.replace(/^identity_provider\./, ''),
      said,
    ]),
  );
