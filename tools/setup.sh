#!/usr/bin/env bash
# Puts on this machine what the tests need: a Redis server and its command line,
# PostgreSQL, Chromium with a font, and Python with redis-py and FastAPI (for the
# course's foreign programs, its projects and bench/fastapi). Debian and its children
# get it by apt-get; other systems get one line that says what to install. Does nothing
# where all is present.
set -euo pipefail

# python_has MODULE asks the system's Python, for which Debian's packages are.
python_has() {
	local python=python3
	[[ -x /usr/bin/python3 ]] && python=/usr/bin/python3
	"$python" -c "import $1" 2>/dev/null
}
postgres() { command -v initdb || compgen -G '/usr/lib/postgresql/*/bin/initdb'; }
browser() { command -v chromium || command -v chromium-browser || command -v google-chrome; }
fonts() { command -v fc-list && fc-list : family | grep -q .; }

# missing prints a word for each thing that is not here.
missing() {
	command -v redis-server >/dev/null || command -v valkey-server >/dev/null || echo redis-server
	command -v redis-cli >/dev/null || command -v valkey-cli >/dev/null || echo redis-tools
	postgres >/dev/null || echo postgresql
	browser >/dev/null || echo chromium
	# macOS and Windows draw with their own fonts.
	[[ $(uname) != Linux ]] || fonts >/dev/null || echo fonts-dejavu-core fontconfig
	local module
	for module in redis fastapi uvicorn httpx uvloop httptools hiredis; do
		python_has "$module" || echo "python3-$module"
	done
}

wanted=$(missing | xargs)
[[ -n $wanted ]] || exit 0

if ! command -v apt-get >/dev/null; then
	echo "setup: please install: $wanted (these are Debian's names)" >&2
	exit 3
fi
as_root=()
if [[ $(id -u) != 0 ]]; then
	command -v sudo >/dev/null || {
		echo "setup: please install as root: apt-get install $wanted" >&2
		exit 3
	}
	as_root=(sudo)
fi

echo "setup: installing $wanted" >&2
# RUNLEVEL=1 keeps a host without systemd from starting the packaged services:
# the tests start servers of their own, and ports 6379 and 5432 are not ours to take.
apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -qq -o Dpkg::Use-Pty=0)
"${apt[@]}" update >&2
# shellcheck disable=SC2086 # the list is words
"${apt[@]}" install --yes --no-install-recommends $wanted >&2
if [[ " $wanted " == *" redis-server "* && -d /run/systemd/system ]]; then
	"${as_root[@]}" systemctl disable --now redis-server >&2
fi

if [[ " $wanted " == *" postgresql "* && -d /run/systemd/system ]]; then
	"${as_root[@]}" systemctl disable --now postgresql >&2
fi

left=$(missing | xargs)
[[ -z $left ]] || {
	echo "setup: still missing after apt-get install: $left" >&2
	exit 3
}
