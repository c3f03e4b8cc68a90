#!/bin/sh
# archive_command = '/backup/archive.sh "%p" "%f" /backups/wal': keeps one WAL file.
# It answers 0 only when the file is whole on the disk; PostgreSQL tries again
# otherwise and throws nothing away. A file of that name that differs is refused.
set -eu
from=$1 to=$3/$2
umask 077
if [ -e "$to" ]; then cmp -s "$from" "$to"; exit; fi
cp "$from" "$to.part"
sync "$to.part"
mv "$to.part" "$to"
sync "$3"
