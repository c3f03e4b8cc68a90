#!/bin/sh
# Makes the secrets of ops/compose.yaml once, at random, in ops/secrets/.
# What exists is kept: run it again after adding one. Back the folder up apart
# from the data: without master_key nothing sealed in the database can be read.
set -eu
cd "$(dirname "$0")"
mkdir -p secrets
chmod 700 secrets
# Containers read these files as an unprivileged account; the folder keeps
# everybody else on this machine out.
umask 222

random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
make_secret() { [ -e "secrets/$1" ] || printf '%s' "$2" >"secrets/$1"; }

make_secret postgres_password "$(random)"
make_secret owner_password "$(random)"
make_secret runtime_password "$(random)"
make_secret backup_password "$(random)"
make_secret grafana_password "$(random)"
make_secret redis_password "$(random)"
make_secret master_key "$(head -c 32 /dev/urandom | base64 | tr -d '\n')"
make_secret owner_database_url "postgres://sportello_owner:$(cat secrets/owner_password)@postgres:5432/sportello?sslmode=disable"
make_secret database_url "postgres://sportello_web:$(cat secrets/runtime_password)@postgres:5432/sportello?sslmode=disable"
make_secret redis_url "redis://default:$(cat secrets/redis_password)@redis:6379/0"
echo "ops/secrets: $(ls secrets | wc -l) files"
