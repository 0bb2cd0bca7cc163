#!/bin/sh
# Starts a node with the cluster's one cookie, which is a secret file and no environment variable: the image's own
# RABBITMQ_ERLANG_COOKIE would stand in `docker inspect`.
set -eu
install -o rabbitmq -g rabbitmq -m 400 /run/secrets/erlang_cookie /var/lib/rabbitmq/.erlang.cookie
exec docker-entrypoint.sh rabbitmq-server
