#!/bin/sh
# Builds the bench guests anew: sh bench/guest/build.sh (Debian: gcc-aarch64-linux-gnu).
set -eu
cd "$(dirname "$0")"
for workload in everyday sha256 calls memory system-calls; do
  number=$(echo "$workload" | tr 'a-z-' 'A-Z_')
  aarch64-linux-gnu-gcc -O2 -std=gnu11 -Wall -Wno-parentheses -ffreestanding -nostdlib -static -fno-pic -no-pie -mgeneral-regs-only \
    -mstrict-align -fno-stack-protector -fno-asynchronous-unwind-tables -Wl,--build-id=none -Wl,--no-warn-rwx-segments -Wl,-z,max-page-size=4096 -s \
    -T link.ld "-DWORKLOAD=$number" start.S workloads.c -o "$workload.elf"
done
