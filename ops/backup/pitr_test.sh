#!/bin/sh
# The whole of it on a private server: write, base backup, A, note the time, B,
# destroy, restore to the time. pitr_test.sh <bin folder of PostgreSQL> <empty folder>
set -eu
here=$(cd "$(dirname "$0")" && pwd)
PATH=$1:$PATH work=$2
export PATH PGHOST="$work" PGPORT=5432 PGUSER=postgres PGDATABASE=postgres
trap 'pg_ctl -D "$work/data" -m immediate stop >/dev/null 2>&1 || true' EXIT
run() { pg_ctl -D "$work/data" -l "$work/log" -w -t 60 -o "-c listen_addresses='' -c unix_socket_directories='$work'" start >/dev/null; }
initdb -D "$work/data" -U postgres -A trust --no-sync >/dev/null
cat >>"$work/data/postgresql.conf" <<CONF
archive_mode = on
archive_command = '$here/archive.sh "%p" "%f" "$work/backups/wal"'
CONF
mkdir -p "$work/backups/wal"
run
sql() { psql -qAtX -v ON_ERROR_STOP=1 -c "$1"; }
sql "create table rows (what text)"
sql "insert into rows values ('before')"
"$here/base.sh" "$work/backups"
sleep 1.1 # the moment has to lie after the base, whose time is known to the second
sql "insert into rows values ('A')"
moment=$(sql "select now()")
sleep 0.1
sql "insert into rows values ('B')"
sql "select pg_switch_wal()" >/dev/null
i=0
while [ "$(sql "select count(*) from pg_stat_archiver where last_archived_wal >= pg_walfile_name(pg_current_wal_lsn() - 16777216)")" = 0 ]; do
  i=$((i + 1)); [ $i -lt 100 ] || { echo "the WAL was not archived" >&2; exit 1; }
  sleep 0.1
done
sleep 0.5
if "$here/restore.sh" "$work/backups" "$work/data" "$moment" 2>/dev/null; then echo "a data folder in use was overwritten" >&2; exit 1; fi
pg_ctl -D "$work/data" -m immediate stop >/dev/null
rm -rf "$work/data"
"$here/restore.sh" "$work/backups" "$work/data" "$moment"
run
i=0
while [ "$(sql "select pg_is_in_recovery()")" != f ]; do
  i=$((i + 1)); [ $i -lt 200 ] || { tail "$work/log" >&2; exit 1; }
  sleep 0.1
done
sql "insert into rows values ('after')" # it takes writes again
echo "rows: $(sql "select string_agg(what, ',') from rows")"
