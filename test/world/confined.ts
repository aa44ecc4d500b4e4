/**
 * A process as a container would run it: an unprivileged user without a single capability, everything
 * read-only but perhaps its state directory. The mounts are made in a namespace of their own, which needs
 * root; the project is bound to a path that the user can reach wherever it lies.
 */

const root = new URL('../..', import.meta.url).pathname;

export const nobody = 65534;

/** Runs `node …` as nobody; the project is seen at /mnt/app, the state directory, if any, at /mnt/state. */
export const confined = (state: boolean): string[] => [
  ...['unshare', '--mount', '--', 'sh', '-c'],
  `set -e
   mount --make-rprivate /
   mount -t tmpfs -o mode=755 tmpfs /mnt
   mkdir /mnt/app /mnt/state
   mount --bind "$1" /mnt/app
   ${state ? `mount -t tmpfs -o mode=700,uid=${nobody},gid=${nobody} tmpfs /mnt/state` : ''}
   mount -o remount,bind,ro /mnt/app
   mount -o remount,ro /mnt
   mount -o remount,bind,ro /
   cd /mnt/app
   shift 2
   exec setpriv --reuid=${nobody} --regid=${nobody} --clear-groups --no-new-privs --inh-caps=-all \\
     --bounding-set=-all /mnt/app/node_modules/.bin/node "$@"`,
  ...['sh', root],
];
