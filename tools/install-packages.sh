#!/bin/sh
# Installs the Debian packages of the named sections of packages.txt, those that are missing.
# Quick when nothing is: one call of dpkg-query and no network.
#
# usage: install-packages.sh SECTION...
set -eu

list=$(dirname "$0")/packages.txt

if ! command -v dpkg-query >/dev/null; then
    echo "$0: this is no Debian; please install what $list names" >&2
    exit 0
fi

wanted=$(for section in "$@"; do
    sed -n "/^\[$section\]/,/^\[/ { /^[a-z]/p }" "$list"
done | while read -r package command; do
    if [ -z "$command" ] || ! command -v "$command" >/dev/null; then
        echo "$package"
    fi
done | sort -u)

# A package that was never known is an error to dpkg-query, and missing to us.
# shellcheck disable=SC2086 # one word a package
present=$(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' $wanted 2>/dev/null |
    sed -n 's/^ii *//p' | sort -u || true)
missing=$(printf '%s\n' "$wanted" | grep -vxF "$present" || true)
if [ -z "$missing" ]; then
    exit 0
fi

missing=$(echo "$missing" | tr '\n' ' ')
echo "Installing packages: $missing"
if [ "$(id -u)" -eq 0 ]; then
    as_root=
elif command -v sudo >/dev/null; then
    as_root=sudo
else
    echo "$0: packages are missing, and this is neither root nor is there sudo. As root:" >&2
    echo "    apt-get install --no-install-recommends $missing" >&2
    exit 1
fi
apt="$as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y"
$apt update
# shellcheck disable=SC2086
$apt install --no-install-recommends $missing
