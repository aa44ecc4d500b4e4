/** A new Service Key in the forms in which Clients take it, and the commands to start one with each. */
import type { ServiceKeyFile } from '#schema/control/service-key.ts';

export const fileName = 'service_key.json';

export interface KeyForm {
  id: string;
  title: string;
  text: string;
}

/** As `sallyport key create` writes it; base64 of that; and variables for `.env` files and pipelines. */
export function formsOf(file: ServiceKeyFile): KeyForm[] {
  const { version, network, service_account_id, private_key, ...rest } = file;
  const text = `${JSON.stringify({ version, network, service_account_id, private_key, ...rest }, null, 2)}\n`;
  // Of a file in ASCII.
  const base64 = btoa(text);
  return [
    { id: 'file', title: 'File', text },
    { id: 'base64', title: 'Base64', text: base64 },
    {
      id: 'environment',
      title: 'Environment',
      text: `SALLYPORT_SERVICE_KEY=env:SALLYPORT_KEY\nSALLYPORT_KEY=${base64}\n`,
    },
  ];
}

export const uses = [
  {
    id: 'linux',
    title: 'Linux host',
    about: 'Installs the key and, where systemd runs, a unit: every program there reaches the Resources.',
    text: `sudo sallyportd setup --headless ${fileName}\nsudo systemctl enable --now sallyport`,
  },
  {
    id: 'proxy',
    title: 'Proxy',
    about: 'For programs that use an HTTP proxy; needs no rights on the host.',
    text: `sallyportd --service-key ${fileName} --http-proxy 127.0.0.1:9999 --tun off\ncurl --proxy http://127.0.0.1:9999 http://HOST/`,
  },
  {
    id: 'docker',
    title: 'Docker',
    about: 'With the environment form saved as sallyport.env, and the image called sallyport.',
    text: 'docker run -d --name sallyport --network host --env-file sallyport.env \\\n  sallyport --http-proxy 127.0.0.1:9999 --tun off',
  },
  {
    id: 'pipeline',
    title: 'Pipeline',
    about: 'With both variables of the environment form among the pipeline’s secrets.',
    text: 'sallyportd --http-proxy 127.0.0.1:9999 --tun off &\nexport http_proxy=http://127.0.0.1:9999 https_proxy=http://127.0.0.1:9999',
  },
];
