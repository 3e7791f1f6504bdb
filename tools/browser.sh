#!/bin/sh
# Installs Debian's Chromium for the browser tests. Where that cannot be done they are skipped.
command -v chromium >/dev/null && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "No chromium, and no right to install it: the browser tests will be skipped."
    exit 0
fi
echo "Installing Debian's chromium for the browser tests (a minute)"
export DEBIAN_FRONTEND=noninteractive
{ apt-get update -o Acquire::Retries=0 && apt-get install --yes --no-install-recommends chromium; } >/tmp/apt.log 2>&1 ||
    echo "Debian's chromium could not be installed (see /tmp/apt.log): the browser tests will be skipped."
