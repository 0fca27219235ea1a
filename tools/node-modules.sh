#!/bin/sh
# Installs the npm packages of a folder as its package-lock.json says, again only when one of its
# two files has changed. Does nothing where there is no package.json.
#
# usage: node-modules.sh FOLDER
set -eu

cd "$1" 2>/dev/null || exit 0
[ -f package.json ] || exit 0

stamp=node_modules/.installed
now=$(cat package.json package-lock.json | sha256sum)
if [ "$(cat $stamp 2>/dev/null)" = "$now" ]; then
    exit 0
fi
# Browsers come from Debian, not from a package's installer.
PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 PUPPETEER_SKIP_DOWNLOAD=1 \
    npm ci --no-audit --no-fund --loglevel=error
echo "$now" >$stamp
