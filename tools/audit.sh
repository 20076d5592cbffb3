#!/bin/sh
# What the program is made of, and what is known to be wrong with it: DIST/sbom.cdx.json and a report on standard output.
#
#   tools/audit.sh [DIST]     DIST: where the list goes, `dist` by default
#
# Installs requirements.txt and two tools into a folder that is removed again; needs the network. Exit 1 where a package
# has a known vulnerability, or where nobody could say, because the database of advisories was not reached.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
dist=${1:-$root/dist}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$dist"

python3 -m venv "$work/program"
"$work/program/bin/python" -m pip install -qq --disable-pip-version-check --require-hashes -r "$root/requirements.txt"
python3 -m venv "$work/tools"
"$work/tools/bin/python" -m pip install -qq --disable-pip-version-check --require-hashes -r "$root/tools/requirements.txt"

"$work/tools/bin/cyclonedx-py" environment "$work/program" --pyproject "$root/pyproject.toml" --mc-type application \
    --output-reproducible --of JSON -o "$dist/sbom.cdx.json"
printf 'parts listed in %s\n' "$dist/sbom.cdx.json"

# Looks up the very versions that are pinned; `--strict` fails on what could not be looked up.
"$work/tools/bin/pip-audit" --strict --disable-pip --require-hashes --progress-spinner off -r "$root/requirements.txt"
