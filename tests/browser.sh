#!/bin/sh
# Tests drive a real browser: Debian's Chromium, never a downloaded one; and hear the voice that Debian has.
set -eu
if command -v chromium >/dev/null 2>&1 && command -v espeak-ng >/dev/null 2>&1; then exit 0; fi
if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Chromium ou espeak-ng manque : installation depuis Debian."
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core espeak-ng >/dev/null
    exit 0
fi
# Without the voice its own tests say so and are left out.
if command -v chromium >/dev/null 2>&1; then exit 0; fi
echo "Il manque Chromium pour les tests. Faites, en administrateur : apt-get install chromium" >&2
exit 1
