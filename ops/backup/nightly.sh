#!/bin/sh
# Takes a base backup every day at AT (02:15, UTC): nightly.sh <folder of backups>.
# PG* as for base.sh; PASSWORD_FILE holds the password alone. A backup that fails
# is told on standard error and tried again after an hour.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
PGPASSFILE=$(mktemp)
export PGPASSFILE
trap 'rm -f "$PGPASSFILE"' EXIT
trap 'exit 0' TERM INT # the first process of a container ignores them otherwise
printf '*:*:*:%s:%s\n' "$PGUSER" "$(cat "$PASSWORD_FILE")" >"$PGPASSFILE"
chmod 600 "$PGPASSFILE"
mkdir -p "$1/wal" "$1/base"
[ -n "$(ls "$1/base")" ] || "$here/base.sh" "$1" || echo "the first backup failed" >&2
while :; do
  now=$(date -u +%s)
  next=$(date -u -d "today ${AT:-02:15}" +%s)
  [ "$next" -gt "$now" ] || next=$(date -u -d "tomorrow ${AT:-02:15}" +%s)
  sleep $((next - now)) &
  wait $! # so that the signal to stop is heard
  until "$here/base.sh" "$1"; do
    echo "the backup failed; trying again in an hour" >&2
    sleep 3600 &
    wait $!
  done
done
