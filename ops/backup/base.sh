#!/bin/sh
# Takes a base backup: base.sh <folder of backups>. The server is named by PG*
# variables (PGHOST, PGPORT, PGUSER with the attribute REPLICATION, PGPASSFILE).
# With the archived WAL, any moment after its end can be restored. Older bases
# than KEEP_DAYS (14) go, never the newest; of the WAL, what no base needs.
set -eu
to=$1
keep=${KEEP_DAYS:-14}
umask 077
mkdir -p "$to/base" "$to/wal"
name=$(date -u +%Y%m%dT%H%M%SZ)
rm -rf "$to/base/.new"
pg_basebackup -D "$to/base/.new" --format=plain --wal-method=stream --checkpoint=fast --no-password
pg_verifybackup --quiet "$to/base/.new"
mv "$to/base/.new" "$to/base/$name"
ls "$to/base" | sort | sed '$d' | while read -r old; do
  if [ -n "$(find "$to/base/$old" -maxdepth 0 -mtime +"$keep")" ]; then rm -rf "$to/base/$old"; fi
done
oldest=$(ls "$to/base" | sort | head -n 1)
start=$(sed -n 's/^START WAL LOCATION: .*(file \([0-9A-F]*\)).*/\1/p' "$to/base/$oldest/backup_label")
pg_archivecleanup "$to/wal" "$start"
echo "base backup $name"
