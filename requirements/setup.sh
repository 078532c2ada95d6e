#!/usr/bin/env bash
# Makes .venv from the pins, with the first Python >= 3.11 that can make a virtual environment.
# Safe to run again: what is there and right is kept.
set -euo pipefail
cd "$(dirname "$0")/.."

fits() { "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

find_python() {
  local candidate
  for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11 python3.14 /usr/bin/python3; do
    if command -v "$candidate" >/dev/null && fits "$candidate"; then
      echo "$candidate"
      return
    fi
  done
  cat >&2 <<'WORDS'
Lambent needs Python 3.11 or newer with its venv module, and found none.
  Debian, Ubuntu:  apt-get install python3 python3-venv
  Fedora:          dnf install python3
  elsewhere:       install Python 3.11 or newer, then: PYTHON=/path/to/python3 make setup
WORDS
  exit 1
}

if ! { [ -x .venv/bin/python ] && .venv/bin/python -m pip --version >/dev/null 2>&1; }; then
  python=$(find_python)
  echo "making .venv with $("$python" --version)"
  "$python" -m venv --clear .venv
fi
echo "installing the pinned packages"
.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
echo "ready: .venv/bin/lambent"
