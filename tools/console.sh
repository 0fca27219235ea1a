#!/bin/sh
# The web console (web/), each step again only when something that it depends on has changed:
#
#   build  OUT/dist (what Vite makes) and OUT/console_files.c, which embeds it into the program
#   check  types, and unit tests of its logic
#
# usage: console.sh build|check OUT
set -eu

step=$1
mkdir -p "$2"
out=$(cd "$2" && pwd)
cd "$(dirname "$0")/.."

made_from="web/src web/public web/index.html web/package.json web/package-lock.json
    web/tsconfig.json web/vite.config.ts tools/console.sh tools/console_files.mjs"
if [ "$step" = check ]; then
    made_from="$made_from web/tests"
fi

stamp=$out/.$step
# shellcheck disable=SC2086 # one word a path
now=$(find $made_from -type f | LC_ALL=C sort | xargs sha256sum | sha256sum)
if [ "$(cat "$stamp" 2>/dev/null)" = "$now" ]; then
    exit 0
fi
tools/node-modules.sh web
case $step in
build)
    echo "Building the web console"
    (cd web && npm run --silent build -- --logLevel warn --emptyOutDir --outDir "$out/dist")
    node tools/console_files.mjs "$out/dist" "$out/console_files.c"
    ;;
check)
    echo "Checking the web console"
    (cd web && npm run --silent check && npm run --silent test -- --reporter=dot)
    ;;
esac
echo "$now" >"$stamp"
