#!/usr/bin/env bash
# Builds the programs of this folder, with exactly the packages of pins.lock, into the folder that is named.
# pins.lock is a Cargo.lock that does not say where packages come from: whatever registry is set up here serves, and the
# checksums say that it is the same package. After a change to Cargo.toml: `build.sh --lock`.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cp -r "$here/Cargo.toml" "$here/src" "$work"
if [ "$1" = --lock ]; then
  cargo generate-lockfile --quiet --manifest-path "$work/Cargo.toml"
  grep -v '^source = ' "$work/Cargo.lock" >"$here/pins.lock"
  exit
fi
mkdir -p "$1"
into="$(cd "$1" && pwd)"
# What cargo calls the registry here, it says in a lock file of its own.
cargo generate-lockfile --quiet --manifest-path "$work/Cargo.toml"
source="$(grep --max-count 1 '^source = ' "$work/Cargo.lock")"
sed "s|^checksum = |$source\n&|" "$here/pins.lock" >"$work/Cargo.lock"
cargo build --quiet --release --locked --manifest-path "$work/Cargo.toml" --target-dir "$work/target"
for program in "$here"/src/bin/*.rs; do
  cp "$work/target/release/$(basename "$program" .rs)" "$into"
done
