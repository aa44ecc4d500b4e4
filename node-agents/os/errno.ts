/** The numbers of Linux' errors that this folder tells apart, and how it words the others. */
import { getSystemErrorMap } from 'node:util';

export const errno = {
  EPERM: 1,
  ENOENT: 2,
  EINTR: 4,
  EIO: 5,
  EAGAIN: 11,
  EACCES: 13,
  EBUSY: 16,
  ENODEV: 19,
  EINVAL: 22,
  EBADFD: 77,
  EPROTONOSUPPORT: 93,
  EAFNOSUPPORT: 97,
  ENOBUFS: 105,
  ECONNREFUSED: 111,
  ENETUNREACH: 101,
  EHOSTUNREACH: 113,
} as const;

/** `EPERM: operation not permitted` */
export function wordsOf(number: number): string {
  const [name, words] = getSystemErrorMap().get(-number) ?? [`errno ${number}`, ''];
  return words ? `${name}: ${words}` : name;
}
