#!/bin/sh
# Runs once, when the database volume is empty: the owner of all schemas, who is
# no superuser, and who takes base backups. The runtime login is made by `sportello migrate up`.
set -eu
psql -v ON_ERROR_STOP=1 --username postgres --set=password="$(cat /run/secrets/owner_password)" --set=backup="$(cat /run/secrets/backup_password)" <<'SQL'
CREATE ROLE sportello_owner LOGIN CREATEROLE CREATEDB PASSWORD :'password';
CREATE DATABASE sportello OWNER sportello_owner;
CREATE ROLE sportello_backup LOGIN REPLICATION PASSWORD :'backup';
SQL
echo "host replication sportello_backup all scram-sha-256" >>"$PGDATA/pg_hba.conf"
