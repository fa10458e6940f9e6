#!/usr/bin/env bash
# A Docker engine of the tests' own, and the image that they use, from the system's packages alone. Needs root and apt.
#
#   eval "$(scripts/docker-engine.sh)"     start both where they are not there yet; sets DOCKER_HOST and BAARA_DOCKER_IMAGE
#   scripts/docker-engine.sh stop          stop the engine; what it holds stays for the next start
#
# The engine has no bridge and touches no firewall, so the computer's own network stays as it is: its containers have none.
set -euo pipefail

home=${BAARA_ENGINE_HOME:-/var/tmp/baara-engine} # short, because the path of a Unix socket has 107 characters at most
image=${BAARA_DOCKER_IMAGE:-baara-sandbox:test}
inside="python3 bash coreutils dash findutils grep sed gawk tar gzip diffutils procps util-linux hostname debianutils libc-bin base-files usr-is-merged"
started=$home/dockerd.pid
export DOCKER_HOST=unix://$home/docker.sock DEBIAN_FRONTEND=noninteractive

say() { echo "$*" >&2; }
apt() { apt-get -qq -y --no-install-recommends -o DPkg::Lock::Timeout=300 "$@" >&2; }
answers() { docker version >/dev/null 2>&1; }

# The pid of our engine, if the process of that number is one.
running() {
  local pid
  pid=$(cat "$started" 2>/dev/null) && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = dockerd ] && echo "$pid"
}

stop() {
  local pid
  pid=$(running) || return 0
  kill "$pid"
  for _ in $(seq 300); do
    [ -e "/proc/$pid" ] || return 0
    sleep 0.1
  done
  say "the engine (process $pid) does not stop"
  return 1
}

start() {
  rm -f "$started"
  setsid dockerd --host "$DOCKER_HOST" --pidfile "$started" --data-root "$home/data" --exec-root "$home/exec" \
    --exec-opt native.cgroupdriver=cgroupfs --bridge=none --iptables=false --ip6tables=false --ip-forward=false \
    --ip-masq=false --log-level=warn >"$home/log" 2>&1 </dev/null 9>&- &
  for _ in $(seq 300); do
    answers && return 0
    kill -0 $! 2>/dev/null || break
    sleep 0.1
  done
  say "the engine does not start; the end of its log:"
  tail -n 20 "$home/log" >&2
  return 1
}

# Unpack packages into a folder, against an empty list of what is installed, and make an image of it.
build() {
  local work root package
  work=$(mktemp -d "$home/image.XXXXXX")
  root=$work/root
  mkdir -p "$work/debs/partial" "$root"
  : >"$work/installed"
  # shellcheck disable=SC2086  # a list of words
  apt -o Dir::State::status="$work/installed" -o Dir::Cache::archives="$work/debs" -o Debug::NoLocking=1 \
    -o APT::Sandbox::User=root --download-only install $inside
  mkdir -p "$root"/usr/{bin,sbin,lib,lib64} "$root"/{proc,sys,dev,tmp,run,etc,root,work}
  for name in bin sbin lib lib64; do ln -s "usr/$name" "$root/$name"; done
  for package in "$work"/debs/*.deb; do
    dpkg-deb --fsys-tarfile "$package" |
      tar -x -C "$root" --keep-directory-symlink --exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' \
        --exclude='./usr/share/locale/*' -f -
  done
  printf '%s\n' root:x:0:0::/root:/bin/bash sandbox:x:1000:1000::/work:/bin/bash nobody:x:65534:65534::/:/bin/false >"$root/etc/passwd"
  printf '%s\n' root:x:0: sandbox:x:1000: nogroup:x:65534: >"$root/etc/group"
  chmod 1777 "$root/tmp"
  chroot "$root" ldconfig
  tar -C "$root" --numeric-owner -c . | docker import --change 'ENV LANG=C.UTF-8' --change 'WORKDIR /work' - "$image" >&2
  rm -rf "$work"
}

main() {
  if [ "${1:-}" = stop ]; then stop; exit; fi
  mkdir -p "$home"
  exec 9>"$home/lock"
  flock 9 # two that start at once shall make one engine
  command -v dockerd >/dev/null || { apt update; apt install docker.io; }
  answers || start
  docker image inspect "$image" >/dev/null 2>&1 || { apt update; build; }
  docker run --rm --network none "$image" python3 -c 'print("ready")' >/dev/null
  echo "export DOCKER_HOST=$DOCKER_HOST BAARA_DOCKER_IMAGE=$image"
}

main "$@"
