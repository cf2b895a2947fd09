#!/bin/sh
# Runs one command for the host, which sends it as a line of base64: its output, then its exit code. When the host closes the
# connection, the command ends.
exec 3<&0
echo lab
read -r command
setsid sh -c "$(echo "$command" | base64 -d)" </dev/null 2>&1 &
job=$!
{ while read -r _ <&3; do :; done; kill -9 "-$job"; } 2>/dev/null >/dev/null &
watch=$!
wait "$job"
code=$?
printf '\nlab %d\n' "$code"
kill -9 "$watch" 2>/dev/null
