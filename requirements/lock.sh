#!/usr/bin/env bash
# Chooses the pins anew from pyproject.toml. Names no index, so that any mirror serves.
# First everything, then the base within it, so that both files agree.
set -euo pipefail
cd "$(dirname "$0")/.."
export CUSTOM_COMPILE_COMMAND="make lock"
options=(--quiet --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url --no-emit-find-links
  --no-emit-trusted-host --no-config "$@")
.venv/bin/pip-compile "${options[@]}" --extra dev --output-file requirements/dev.txt pyproject.toml
.venv/bin/pip-compile "${options[@]}" --constraint requirements/dev.txt --output-file requirements/base.txt pyproject.toml
.venv/bin/pip-compile "${options[@]}" --output-file requirements/apps.txt requirements/apps.in
.venv/bin/pip-compile "${options[@]}" --output-file requirements/fuzz.txt requirements/fuzz.in
if grep -nE 'https?://|--(index|extra-index|find-links|trusted-host)' requirements/base.txt requirements/dev.txt requirements/apps.txt requirements/fuzz.txt; then
  echo "the pins above name where they came from; they must not" >&2
  exit 1
fi
