#!/usr/bin/env bash
# Boots a real systemd as process 1 of namespaces of its own, in the network namespace that it is started in:
# the machine's root read-only below packages that are unpacked for it alone, and /etc, /var, /run, /tmp and /dev
# of its own, in memory. Says `booting PID` and stays until its standard input ends: then nothing is left of it.
# `system.ts` runs it.
#
#   unshare --mount boot.sh PROJECT PACKAGE.deb…       PROJECT is at /opt/sallyport there
set -euo pipefail
here=/mnt root=/mnt/root

# Steps that need the new process and control-group namespaces.
if [ "$1" = inside ]; then
  mount -t proc proc "$root/proc"
  mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
  # The machine's own settings are not to be touched; those of the network namespace are.
  mount --bind "$root/proc/sys" "$root/proc/sys"
  mount --bind "$root/proc/sys/net" "$root/proc/sys/net"
  mount -o remount,bind,ro "$root/proc/sys"
  cd "$root"
  pivot_root . .
  umount -l .
  exec env -i container=sallyport-test PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    setpriv --bounding-set=-sys_module,-sys_time,-sys_rawio,-syslog --inh-caps=-all \
    /usr/lib/systemd/systemd --show-status=no
fi

project=$1
shift
mount -t tmpfs tmpfs "$here"
mkdir -p "$here"/{cgroup,root} "$here"/layer/usr/{bin,sbin,lib}
for link in bin sbin lib; do [ ! -L "/$link" ] || ln -s "usr/$link" "$here/layer/$link"; done
for package in "$@"; do
  dpkg-deb --fsys-tarfile "$package" | tar -x --keep-directory-symlink --exclude=./usr/share/doc -C "$here/layer"
done
mkdir -p "$here/layer/opt/sallyport"
mount -t overlay overlay -o "ro,lowerdir=$here/layer:/" "$root"

for own in etc var run tmp dev; do mount -t tmpfs -o mode=755 tmpfs "$root/$own"; done
chmod 1777 "$root/tmp"
mount -t sysfs -o ro sysfs "$root/sys"
mount --rbind "$project" "$root/opt/sallyport"
mkdir "$root"/dev/{pts,shm,net}
for device in null zero full random urandom tty net/tun; do
  touch "$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
mount -t devpts -o newinstance,ptmxmode=666 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"

# Of the machine's /etc only what programs need to run; none of its services.
for own in passwd group ld.so.cache ld.so.conf ld.so.conf.d alternatives ssl ca-certificates services protocols iproute2; do
  [ ! -e "/etc/$own" ] || cp -a "/etc/$own" "$root/etc/"
done
ln -s ../usr/lib/os-release "$root/etc/os-release"
for user in messagebus:960 systemd-resolve:961 systemd-network:962; do
  name=${user%:*} id=${user#*:}
  grep -q "^$name:" "$root/etc/group" || echo "$name:x:$id:" >>"$root/etc/group"
  grep -q "^$name:" "$root/etc/passwd" || echo "$name:x:$id:$id::/:/usr/sbin/nologin" >>"$root/etc/passwd"
done
echo client >"$root/etc/hostname"
printf '127.0.0.1 localhost client\n::1 localhost\n' >"$root/etc/hosts"
printf 'passwd: files\ngroup: files\nhosts: files dns\nservices: files\nprotocols: files\n' >"$root/etc/nsswitch.conf"
tr -d - </proc/sys/kernel/random/uuid >"$root/etc/machine-id"
units=$root/etc/systemd/system
mkdir -p "$units" "$root/var/log"
ln -s /usr/lib/systemd/system/multi-user.target "$units/default.target"
for masked in getty.target systemd-logind.service systemd-udevd.service systemd-udev-trigger.service \
  systemd-modules-load.service systemd-sysctl.service systemd-binfmt.service systemd-random-seed.service \
  systemd-tmpfiles-setup-dev.service systemd-firstboot.service systemd-update-utmp.service \
  systemd-update-utmp-runlevel.service systemd-hwdb-update.service ldconfig.service \
  systemd-machine-id-commit.service systemd-journal-catalog-update.service systemd-user-sessions.service \
  systemd-remount-fs.service systemd-ask-password-console.path systemd-ask-password-wall.path \
  proc-sys-fs-binfmt_misc.automount dev-hugepages.mount dev-mqueue.mount sys-fs-fuse-connections.mount \
  sys-kernel-config.mount sys-kernel-debug.mount sys-kernel-tracing.mount tmp.mount \
  systemd-tmpfiles-clean.timer systemd-timesyncd.service; do
  ln -s /dev/null "$units/$masked"
done

mount -t cgroup2 cgroup2 "$here/cgroup"
group=$here/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)/sallyport-test-$$
mkdir "$group"
(
  echo "$BASHPID" >"$group/cgroup.procs"
  exec unshare --pid --mount --uts --ipc --cgroup --fork --kill-child "$0" inside </dev/null
) &
above=$!
end() {
  kill -KILL "$above" 2>/dev/null || true
  # Its processes are gone only a moment after the first one is.
  for _ in $(seq 100); do
    find "$group" -depth -type d -exec rmdir {} + 2>/dev/null && return
    sleep 0.05
  done
}
trap end EXIT
echo "booting $above"
read -r _ || true
