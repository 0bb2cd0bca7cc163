#!/bin/sh
# Once the three nodes are one cluster: the policy, and the users of the agent and of its repairs. Running it again does
# no harm. Passwords go over standard input, so that no process list shows them.
set -eu
ctl() { rabbitmqctl --quiet --node rabbit@rabbit1 "$@"; }

user() {
    name=$1 tags=$2 secret=/run/secrets/$3
    if ctl list_users | cut -f 1 | grep -qx "$name"; then
        ctl change_password "$name" <"$secret"
    else
        ctl add_user "$name" <"$secret"
    fi
    # shellcheck disable=SC2086  # a list of tags
    ctl set_user_tags "$name" $tags
}

ctl await_online_nodes 3 --timeout 120
user monitor monitoring monitor_password
ctl set_permissions monitor '^$' '^$' '.*'
user repair 'policymaker administrator' repair_password
ctl set_permissions repair '^rabbitwatch\.actions$' '^$' '.*'
user app '' app_password
ctl set_permissions app '.*' '.*' '.*'
ctl delete_user guest >/dev/null 2>&1 || true
ctl set_policy --apply-to queues ha-all '.*' '{"ha-mode":"all"}'
echo "the cluster is ready"
