/**
 * As much of a browser as logging in takes: keeps cookies by origin and path, follows redirects, sends the
 * headers that a page's own requests bear. Pages with scripts are for a real one.
 */

interface Cookie {
  name: string;
  value: string;
  origin: string;
  path: string;
  raw: string;
}

export interface Page {
  url: string;
  status: number;
  headers: Headers;
  text: string;
  /** Where it was sent on the way here. */
  hops: string[];
}

export class Browser {
  readonly cookies: Cookie[] = [];

  /** Types an address. @param stop an address that is not followed any more. */
  open(url: string, stop?: RegExp): Promise<Page> {
    return this.#go('GET', url, undefined, 'none', stop);
  }

  /** Sends a form of the page at `from`. */
  submit(from: string, action: string, fields: Record<string, string> = {}, stop?: RegExp): Promise<Page> {
    return this.#go(
      'POST',
      new URL(action, from).href,
      new URLSearchParams(fields),
      'same-origin',
      stop,
      from,
    );
  }

  /** What a script of the Tenant's own pages asks. */
  async ask(method: string, url: string, body?: unknown, headers: Record<string, string> = {}) {
    const response = await fetch(url, {
      method,
      redirect: 'manual',
      headers: {
        cookie: this.#cookieHeader(url),
        'sec-fetch-site': 'same-origin',
        origin: new URL(url).origin,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    this.#keep(response, url);
    const text = await response.text();
    const json = response.headers.get('content-type')?.includes('json');
    return { status: response.status, headers: response.headers, body: json ? JSON.parse(text) : text };
  }

  cookie(name: string): string | undefined {
    return this.cookies.find((one) => one.name === name)?.value;
  }

  async #go(
    method: string,
    url: string,
    body: URLSearchParams | undefined,
    site: string,
    stop: RegExp | undefined,
    from?: string,
  ): Promise<Page> {
    const hops: string[] = [];
    for (let step = 0; step < 15; step++) {
      hops.push(url);
      if (stop?.test(url)) return { url, status: 0, headers: new Headers(), text: '', hops };
      const response = await fetch(url, {
        method,
        redirect: 'manual',
        headers: {
          cookie: this.#cookieHeader(url),
          'sec-fetch-site': site,
          ...(from !== undefined && { origin: new URL(from).origin }),
        },
        ...(body && { body }),
      });
      this.#keep(response, url);
      const to = response.headers.get('location');
      if (response.status < 300 || response.status > 399 || to === null) {
        return { url, status: response.status, headers: response.headers, text: await response.text(), hops };
      }
      await response.body?.cancel();
      url = new URL(to, url).href;
      [method, body, site] = ['GET', undefined, 'cross-site'];
    }
    throw new Error(`too many redirects: ${hops.join(' → ')}`);
  }

  #cookieHeader(url: string): string {
    const { origin, pathname } = new URL(url);
    return this.cookies
      .filter((one) => one.origin === origin && pathname.startsWith(one.path))
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ');
  }

  #keep(response: Response, url: string): void {
    for (const raw of response.headers.getSetCookie()) {
      const [pair, ...attributes] = raw.split(';').map((part) => part.trim());
      const at = pair!.indexOf('=');
      const [name, value] = [pair!.slice(0, at), pair!.slice(at + 1)];
      const path = attributes.find((one) => /^path=/i.test(one))?.slice(5) ?? '/';
      const { origin } = new URL(url);
      const old = this.cookies.findIndex(
        (one) => one.name === name && one.origin === origin && one.path === path,
      );
      if (old >= 0) this.cookies.splice(old, 1);
      if (!attributes.some((one) => /^max-age=0$/i.test(one)) && value !== '')
        this.cookies.push({ name, value, origin, path, raw });
    }
  }
}
