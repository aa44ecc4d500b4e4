/**
 * The console in a real browser: a Tenant with people (`people-world.ts`), Chromium driven by
 * playwright-core, logins as a person does them, screenshots of every page in both colour schemes and two
 * widths, and axe's judgement of each.
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type axe from 'axe-core';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import type { ControllerOptions } from '#workers/local/start.ts';
import { PeopleWorld, people, type Who } from '../controller/people-world.ts';

const screens = new URL('../screens', import.meta.url).pathname;
const axeSource = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
export const phone = { width: 390, height: 844 };
export const desktop = { width: 1280, height: 800 };

export class ConsoleWorld {
  readonly people: PeopleWorld;
  readonly #browser: Browser;

  private constructor(world: PeopleWorld, browser: Browser) {
    this.people = world;
    this.#browser = browser;
  }

  static async start(options: ControllerOptions = {}): Promise<ConsoleWorld> {
    const world = await PeopleWorld.start(options);
    return new ConsoleWorld(world, await startChromium());
  }

  async stop(): Promise<void> {
    await this.#browser.close();
    await this.people.stop();
  }

  /** Where a page of the console is: `/resources`. */
  url(path: string): string {
    return `${this.people.tenant.url}/console${path}`;
  }

  /** A browser of its own, where nobody is logged in. Whatever its pages complain of fails the test. */
  async browser(options: { dark?: boolean; phone?: boolean } = {}): Promise<BrowserContext> {
    return this.#browser.newContext({
      viewport: options.phone ? phone : desktop,
      colorScheme: options.dark ? 'dark' : 'light',
      reducedMotion: 'reduce',
    });
  }

  /** Goes to a page of the console and logs in at the identity provider on the way. */
  async logIn(context: BrowserContext, who: Who, path = '/'): Promise<Page> {
    const page = await context.newPage();
    await page.goto(this.url(path));
    await page.getByRole('button', { name: people[who].name }).click();
    await page.getByRole('navigation', { name: 'Pages' }).waitFor({ state: 'attached' });
    return page;
  }
}

export async function startChromium(): Promise<Browser> {
  const executablePath = ['/usr/bin/chromium', '/usr/bin/google-chrome'].find((path) => existsSync(path));
  if (executablePath === undefined) throw new Error('Chromium is not installed: apt-get install chromium');
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
}

/** Waits until the page has settled: nothing asked, nothing loading. */
export async function settled(page: Page): Promise<void> {
  // A live view asks without end: then for a moment, in which the rest has come.
  await page.waitForLoadState('networkidle', { timeout: 1_500 }).catch(() => {});
  await still(page);
}

/** Waits until nothing moves any more. */
async function still(page: Page): Promise<void> {
  // Evaluated by the browser's debugger: the page's policy on scripts refuses what playwright polls with.
  await page.evaluate(`new Promise((resolve) => {
    const look = () =>
      document.querySelector('[aria-busy=true], [role=progressbar]') === null &&
      document.getAnimations().every(({ playState }) => playState !== 'running')
        ? resolve()
        : requestAnimationFrame(look);
    look();
  })`);
}

/**
 * A page in light and dark, on a desktop and on a phone, as files `test/screens/<name>-<scheme>-<width>.png`.
 * @returns what axe finds serious or worse, in words; empty where all is well.
 */
export async function look(page: Page, name: string): Promise<string[]> {
  await mkdir(screens, { recursive: true });
  const found = new Set<string>();
  await settled(page);
  const before = page.viewportSize() ?? desktop;
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    for (const [width, viewport] of [
      ['desktop', desktop],
      ['phone', phone],
    ] as const) {
      await page.setViewportSize(viewport);
      // What is fixed to the window would else stand in the middle of the picture.
      await page.evaluate('scrollTo(0, 0)');
      await still(page);
      await page.screenshot({ path: join(screens, `${name}-${colorScheme}-${width}.png`), fullPage: true });
      const overhang = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
      if (Number(overhang) > 0)
        found.add(`${name} ${width}: the page is ${overhang} px wider than the screen`);
      // Each scheme and each width once: axe's rules look at colours or at what is there, not at both together.
      if ((colorScheme === 'light') !== (width === 'desktop')) continue;
      for (const one of await violations(page)) found.add(`${name} ${colorScheme} ${width}: ${one}`);
    }
  }
  await page.setViewportSize(before);
  await page.emulateMedia({ colorScheme: 'light' });
  return [...found];
}

/** What axe finds of serious or critical impact. */
export async function violations(page: Page): Promise<string[]> {
  // By the browser's debugger, which the page's policy on scripts does not concern.
  if (!(await page.evaluate(`'axe' in globalThis`))) await page.evaluate(await readFile(axeSource, 'utf8'));
  const { violations } = (await page.evaluate(
    `axe.run(document, { resultTypes: ['violations'] })`,
  )) as axe.AxeResults;
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(
      ({ id, help, nodes }) =>
        `${id}: ${help} (${nodes
          .slice(0, 3)
          .map(({ html }) => html.slice(0, 160))
          .join(' | ')})`,
    );
}
