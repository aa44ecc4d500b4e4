/** Opens an address in the person's browser, where the desktop has a way to. Fails in silence: it is printed too. */
import { spawn } from 'node:child_process';

export function openBrowser(url: string): void {
  const [command, ...args] = process.platform === 'darwin' ? ['open'] : ['xdg-open'];
  const child = spawn(command!, [...args, url], { stdio: 'ignore', detached: true });
  child.on('error', () => {});
  child.unref();
}
