#!/usr/bin/env bash
# Build the bootstrap of .NET functions anew, which is in the repository because no host of functions has a compiler:
# bash requirements/dotnet.sh (needs mcs, and `make build/dotnet/.installed`). A test fails when it is not that of its sources.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=src/lambent/runtimes/dotnet
digest=$(mktemp)
trap 'rm -f "$digest"' EXIT
cat "$folder"/*.cs | sha256sum | cut -d' ' -f1 >"$digest"
references=()
for each in build/dotnet/dotnetcore2/bin/shared/Microsoft.NETCore.App/*/System.*.dll; do
  case "${each##*/}" in
    System.Private.CoreLib.dll) references+=("-r:$each") ;;
    System.Private.* | *.Native.*) ;;
    *) references+=("-r:$each") ;;
  esac
done
mcs -unsafe -nostdlib -noconfig -optimize -nowarn:1702 -langversion:latest "-resource:$digest,sources" \
  -out:"$folder/Lambent.Runtime.dll" "${references[@]}" "$folder"/*.cs
chmod 644 "$folder/Lambent.Runtime.dll"
