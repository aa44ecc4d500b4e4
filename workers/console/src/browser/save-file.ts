/** Hands a text to the browser as a file to save. It goes through memory: no address that others could open. */

export function saveFile(name: string, text: string, type = 'application/json'): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = Object.assign(document.createElement('a'), { href: url, download: name });
  link.click();
  // The browser took its own copy by then, at the next turn at the latest.
  setTimeout(() => URL.revokeObjectURL(url));
}
