#!/bin/sh
# Prepares an EMPTY data folder so that PostgreSQL, once started on it, goes to
# the moment: restore.sh <folder of backups> <data folder> '2026-11-22 14:30:00+00'.
# There it is promoted: the cluster is then an ordinary one with a
# timeline of its own. Without a moment: everything that was archived.
set -eu
from=$1 data=$2 moment=${3:-}
if [ -e "$data" ] && [ -n "$(ls -A "$data")" ]; then
  echo "$data is not empty: nothing was touched. Move it away first." >&2
  exit 1
fi
umask 077
base=
for b in $(ls "$from/base" | sort); do
  # The newest base that had ended before the moment.
  end=$(date -u -d "$(echo "$b" | sed 's/^\(....\)\(..\)\(..\)T\(..\)\(..\)\(..\)Z$/\1-\2-\3 \4:\5:\6Z/')" +%s)
  ended=$(stat -c %Y "$from/base/$b/backup_manifest")
  [ "$ended" -ge "$end" ] || ended=$end
  if [ -z "$moment" ] || [ "$ended" -le "$(date -u -d "$moment" +%s)" ]; then base=$b; fi
done
if [ -z "$base" ]; then echo "no base backup is older than $moment" >&2; exit 1; fi
mkdir -p "$data"
cp -a "$from/base/$base/." "$data/"
chmod 700 "$data"
{
  echo "restore_command = 'cp \"$from/wal/%f\" \"%p\"'"
  if [ -n "$moment" ]; then
    echo "recovery_target_time = '$moment'"
    echo "recovery_target_action = 'promote'"
  fi
} >>"$data/postgresql.auto.conf"
touch "$data/recovery.signal"
echo "restoring from base $base${moment:+ to $moment}; start PostgreSQL on $data"
