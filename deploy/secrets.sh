#!/bin/sh
# Makes what deploy/compose.yaml reads as secrets, into deploy/secrets: passwords, the database's address, a certificate.
# What is there already stays. The certificate is signed by itself, for a first try: put your own in its place.
#   deploy/secrets.sh crm.example.com
set -eu
umask 077
host=${1:-localhost}
cd "$(dirname "$0")"
mkdir -p secrets
cd secrets

make() { # FILE CONTENT
  [ -e "$1" ] || printf '%s\n' "$2" > "$1"
}

make database_password "$(openssl rand -hex 24)"
password=$(cat database_password)
make database_url "postgresql://gateway:$password@pgbouncer:6432/gateway"
make pgbouncer_userlist "\"gateway\" \"$password\""
make metrics_token "$(openssl rand -hex 24)"
make grafana_password "$(openssl rand -hex 12)"
[ -e tls.crt ] || openssl req -x509 -newkey rsa:2048 -nodes -days 365 -keyout tls.key -out tls.crt -subj "/CN=$host" \
  -addext "subjectAltName=DNS:$host" 2>/dev/null
# The containers read them as users of their own; the folder is its owner's alone.
chmod 0644 ./*
echo "Made deploy/secrets for $host."
