#!/usr/bin/env bash
# Installs what the tests use beside Go and Node, if it is missing: a browser,
# a TURN server, a packet filter, a gateway's UPnP, a compiler for the race detector, and fonts so
# that Chinese is not measured in boxes. Only Debian and its relatives are
# served; elsewhere it says what to install. `setup.sh cluster` is for make cluster.
set -euo pipefail

missing=()
# need COMMAND PACKAGE...: the packages that provide the command
need() {
	command -v "$1" >/dev/null || PATH=$PATH:/usr/sbin:/sbin command -v "$1" >/dev/null || missing+=("${@:2}")
}
need chromium chromium
need turnserver coturn
need openssl openssl
need nft nftables
need miniupnpd miniupnpd-nftables
need ip iproute2
need sysctl procps
need sqlite3 sqlite3
need systemd-analyze systemd
need setpriv util-linux
need ffmpeg ffmpeg
need gcc gcc libc6-dev
need fc-list fontconfig
if [ "${1:-}" = cluster ]; then
	need containerd containerd
	need runc runc
	need /usr/lib/cni/ptp containernetworking-plugins
fi
if ! { command -v fc-list >/dev/null && fc-list : family | grep -q 'Noto Sans CJK'; }; then
	missing+=(fonts-noto-cjk)
fi

for tool in go node npm; do
	if ! command -v $tool >/dev/null; then
		echo "setup: $tool is missing: the build needs Go 1.26 and Node 20 with npm, or later" >&2
		exit 1
	fi
done

if [ ${#missing[@]} -eq 0 ]; then
	echo "setup: everything is there"
	exit 0
fi

say_what() {
	echo "setup: the tests need ${missing[*]}" >&2
	echo "setup: $1; install them yourself, for example with" >&2
	echo "    sudo apt-get install --no-install-recommends ${missing[*]}" >&2
	exit 1
}
command -v apt-get >/dev/null || say_what "this system has no apt-get"
as_root=()
if [ "$(id -u)" -ne 0 ]; then
	command -v sudo >/dev/null && sudo -n true 2>/dev/null ||
		say_what "that takes root, and sudo would ask for a password"
	as_root=(sudo -n)
fi

echo "setup: installing ${missing[*]}"
# Debian starts a service as soon as it is installed. A TURN server that the
# whole network can use is not what someone asks for who runs tests.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
	printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee $policy >/dev/null
	"${as_root[@]}" chmod 755 $policy
	trap '"${as_root[@]}" rm -f $policy' EXIT
fi
apt() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -y -q "$@" </dev/null; }
apt update
apt install --no-install-recommends "${missing[@]}"
