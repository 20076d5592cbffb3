#!/bin/sh
# Runs watcher from a checkout; needs only Python 3.11 or newer with its venv module.
#
#   ./run.sh [--once]           the demonstration: sample feeds on this machine, alerts in this terminal
#   ./run.sh test [ARGS...]     every check and the tests; ARGS go to pytest
#   ./run.sh test-system [...]  the service under a real systemd, in a machine of its own (root, Debian, some minutes)
#   ./run.sh watcher ARGS...    any command of the program
#
# The first call installs pinned, hash-checked packages into .venv beside this file; later calls need no network.
set -eu

self=$(readlink -f -- "$0" 2>/dev/null) || self=$0
root=$(CDPATH='' cd -- "$(dirname -- "$self")" && pwd)
venv=$root/.venv
python=$venv/bin/python
requirements=$root/requirements-dev.txt

fail() {
    printf 'run.sh: %s\n' "$1" >&2
    exit "${2:-1}"
}

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

find_python() {
    for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
        if is_new_enough "$candidate"; then
            printf '%s\n' "$candidate"
            return
        fi
    done
    found=$(python3 --version 2>&1) || found='no python3 at all'
    fail "needs Python 3.11 or newer; found $found, and no python3.11 to python3.14 either"
}

checksum() {
    cksum <"$1"
}

# Two stamps: one for the packages (a mismatch means: start again from nothing, which needs the network), one for where
# the checkout is and what its metadata says (a mismatch only re-links the checkout, which does not).
packages_wanted() {
    checksum "$requirements"
}

checkout_wanted() {
    printf '%s\n' "$root"
    checksum "$root/pyproject.toml"
}

is_current() {
    [ -f "$venv/$1.stamp" ] && [ "$(cat "$venv/$1.stamp")" = "$2" ]
}

is_ready() {
    is_current packages "$(packages_wanted)" && is_current checkout "$(checkout_wanted)" && is_new_enough "$python"
}

# A stamp is written last and whole, so an installation that was killed half-way has none and is done again.
stamp() {
    printf '%s\n' "$2" >"$venv/$1.stamp.new"
    mv "$venv/$1.stamp.new" "$venv/$1.stamp"
}

install_packages() {
    base=$(find_python)
    printf 'run.sh: installing into %s (once; needs the network)\n' "$venv" >&2
    rm -rf "$venv"
    "$base" -m venv "$venv" || fail "$base cannot make a virtual environment (on Debian and Ubuntu: apt install python3-venv)"
    "$python" -m pip install -qq --disable-pip-version-check --require-hashes --requirement "$requirements" ||
        fail 'could not install the packages (see above); run it again once the network is there'
    stamp packages "$(packages_wanted)"
}

install() {
    if ! { is_current packages "$(packages_wanted)" && is_new_enough "$python"; }; then
        install_packages
    fi
    rm -f "$venv/checkout.stamp"
    "$python" -m pip install -qq --disable-pip-version-check --no-index --no-deps --no-build-isolation --editable "$root" ||
        fail 'could not link the checkout into .venv (see above)'
    stamp checkout "$(checkout_wanted)"
}

# The lock is on an open file: it ends with the process that holds it, however that ends.
install_once() {
    base=$(find_python)
    exec 9>>"$root/.venv.lock"
    "$base" -c 'import fcntl; fcntl.flock(0, fcntl.LOCK_EX)' <&9
    is_ready || install
    exec 9>&-
}

check() {
    label=$*
    label=${label#-m }
    label=${label#"$venv/bin/"}
    printf '== %s\n' "$label"
    "$python" "$@" || failed="$failed; $label"
}

run_tests() {
    cd "$root"
    failed=
    check -m ruff check .
    check -m ruff format --check .
    check -m mypy
    check "$venv/bin/lint-imports" --no-logo
    [ -z "$failed" ] || printf 'run.sh: failed before the tests: %s\n' "${failed#; }" >&2
    printf '%s\n' '== pytest'
    "$python" -m pytest -n auto "$@" && [ -z "$failed" ]
}

case ${1-} in
test | test-system | watcher | '' | -*) ;;
*) fail "unknown word '$1'; there is: ./run.sh [--once], ./run.sh test [ARGS...], ./run.sh test-system [ARGS...], ./run.sh watcher ARGS..." 2 ;;
esac

is_ready || install_once

case ${1-} in
test)
    shift
    run_tests "$@"
    ;;
test-system)
    shift
    cd "$root"
    WATCHER_TEST_SYSTEM=1 exec "$python" -m pytest tests/system "$@"
    ;;
watcher)
    shift
    exec "$python" "$venv/bin/watcher" "$@"
    ;;
'' | -*)
    exec "$python" "$venv/bin/watcher" demo "$@"
    ;;
esac
