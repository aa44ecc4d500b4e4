/** The small page of the origin: what is asked for, what is answered, and what the generator must see. */

export const body = 'Sallyport '.repeat(12);
export const page = `HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: ${body.length}\r\n\r\n${body}`;

/** @param form absolute-form (RFC 9112 §3.2.2) is how an HTTP proxy is asked without a tunnel. */
export const request = (authority: string, form: 'origin' | 'absolute') =>
  `GET ${form === 'absolute' ? `http://${authority}` : ''}/ HTTP/1.1\r\nhost: ${authority}\r\n\r\n`;
