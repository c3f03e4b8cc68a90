#!/bin/sh
# Runs once, when the database volume is empty: the owner of all schemas, who is
# no superuser. The runtime login is made by `sportello migrate up`.
set -eu
psql -v ON_ERROR_STOP=1 --username postgres --set=password="$(cat /run/secrets/owner_password)" <<'SQL'
CREATE ROLE sportello_owner LOGIN CREATEROLE CREATEDB PASSWORD :'password';
CREATE DATABASE sportello OWNER sportello_owner;
SQL
