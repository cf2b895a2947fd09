#!/bin/sh
# Installs what the tests need on Debian 12 (as root) and runs all of them: type check, lint, tests, and those on KVM in a
# QEMU machine (test/kvm). A tool that is missing is a failure, never a skip.
set -eu
cd "$(dirname "$0")/.."

packages="gdb-multiarch lldb-19 qemu-system-arm gcc-aarch64-linux-gnu binutils-aarch64-linux-gnu libc6-dev-arm64-cross make xz-utils device-tree-compiler u-boot-qemu e2fsprogs dpkg-dev gcc libc6-dev libssl-dev bison flex bc"
missing=""
for package in $packages; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing="$missing $package"
done
if [ -n "$missing" ]; then
  echo "Installing Debian packages:$missing"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  # shellcheck disable=SC2086
  apt-get install -y -qq --no-install-recommends $missing >/dev/null
fi

[ -d node_modules ] || npm ci
# Its install script would compile native code that the tests do not need.
[ -d test/clients/adapters/node_modules ] || npm ci --ignore-scripts --prefix test/clients/adapters

npm run build
npm run build:addon
npm run typecheck
npm run lint
npx vitest run
