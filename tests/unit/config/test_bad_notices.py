"""What can be wrong with the sections about notices, and the exact line that the user reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from rabbitwatch.config.loading import load
from rabbitwatch.errors import ConfigFileError

ROUTE = "route: {receiver: a}\n"
FILE = "receivers: [{name: a, file_configs: [{}]}]\n"


def complaints(tmp_path: Path, text: str) -> list[str]:
    file = tmp_path / "rabbitwatch.yml"
    file.write_text(text)
    with pytest.raises(ConfigFileError) as caught:
        load(file, environment={})
    return [line.removeprefix(f"{file}:") for line in str(caught.value).splitlines()]


def routes(*lines: str) -> str:
    below = "".join(f"    - {line}\n" for line in lines)
    return f"{FILE}route:\n  receiver: a\n  routes:\n{below}"


def kind(name: str, keys: str) -> str:
    return f"{ROUTE}receivers:\n  - name: a\n    {name}_configs:\n      - {keys}\n"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        # names
        (FILE, "1:1: receivers: receivers are named and no route leads to them: add `route: {receiver: NAME}`"),
        ("route: {receiver: b}\n" + FILE, "1:19: route.receiver: unknown receiver 'b'; known: a"),
        (ROUTE, "1:19: route.receiver: unknown receiver 'a'; known: none"),
        (routes("receiver: b"), "5:17: route.routes[0].receiver: unknown receiver 'b'; known: a"),
        (
            ROUTE + "receivers:\n  - name: a\n  - name: a",
            "4:11: receivers[1].name: duplicate receiver 'a', the first is on line 3",
        ),
        (
            routes("mute_time_intervals: [nights]"),
            "5:29: route.routes[0].mute_time_intervals[0]: unknown time interval 'nights'; known: none",
        ),
        (
            ROUTE + FILE + "time_intervals:\n  - {name: t, time_intervals: []}\n  - {name: t, time_intervals: []}",
            "5:12: time_intervals[1].name: duplicate time interval 't', the first is on line 4",
        ),
        # the root
        (FILE + "route: {}", "2:8: route: lacks the key 'receiver': the root must say who hears of the rest"),
        (
            FILE + "route: {receiver: a, matchers: [b=c]}",
            "2:22: route.matchers: the root matches every alert: move matchers to a route below it",
        ),
        (
            FILE + "route: {receiver: a, continue: true}",
            "2:22: route.continue: the root has no sibling to continue with: remove the key",
        ),
        # matchers
        (
            routes("matchers: [severity]"),
            (
                "5:18: route.routes[0].matchers[0]: 'severity' is no matcher from 'severity' on; "
                'write it like severity="critical"'
            ),
        ),
        (
            routes("matchers: severity=critical"),
            "5:17: route.routes[0].matchers: must be a list of matchers, such as ['severity=\"critical\"']",
        ),
        (
            routes("matchers: [{severity: critical}]"),
            "5:18: route.routes[0].matchers[0]: must be text: put it in quotes, such as 'severity=\"critical\"'",
        ),
        (
            routes("matchers: [a=b, 'c=~(']"),
            "5:23: route.routes[0].matchers[1]: '(' is no RE2 regex: missing ): (",
        ),
        (routes("match_re: {a: '['}"), "5:21: route.routes[0].match_re.a: '[' is no RE2 regex: missing ]: ["),
        # routes that can never match
        (
            routes("matchers: [a=x, a=y]"),
            '5:7: route.routes[0]: this route can never match: a="x" and a="y" exclude each other',
        ),
        (
            routes("{matchers: [a=x]}", "{matchers: [a=x, b=y]}"),
            (
                "6:7: route.routes[1]: this route can never match: route.routes[0] (line 5) before it takes all that "
                "it matches, without continue"
            ),
        ),
        (
            routes("{receiver: a}", "{matchers: [a=x]}"),
            (
                "6:7: route.routes[1]: this route can never match: route.routes[0] (line 5) before it takes all that "
                "it matches, without continue"
            ),
        ),
        (
            routes("{matchers: [a=x]}", "{matchers: [a=y]}", "{matchers: ['a=~x|y']}"),
            (
                "7:7: route.routes[2]: this route can never match: route.routes[0] (line 5) and route.routes[1] (line "
                "6) before it take all that it matches, without continue"
            ),
        ),
        (
            routes("{matchers: [a=x], routes: [{matchers: [a!=x]}]}"),
            '5:34: route.routes[0].routes[0]: this route can never match: a="x" and a!="x" exclude each other',
        ),
        # grouping and waits
        (routes("group_by: [a, a]"), "5:21: route.routes[0].group_by[1]: duplicate label 'a'"),
        (
            routes("group_by: [a, '...']"),
            "5:17: route.routes[0].group_by: '...' is every label: remove the others",
        ),
        (
            routes("group_by: ['a, b']"),
            "5:18: route.routes[0].group_by[0]: 'a, b' is no label name: one entry is one name",
        ),
        (routes("group_interval: 0s"), "5:23: route.routes[0].group_interval: must be more than 0s"),
        (routes("repeat_interval: 0"), "5:24: route.routes[0].repeat_interval: must be more than 0s"),
        # inhibition
        (
            "inhibit_rules: [{source_matchers: [a=b], target_matchers: [c=d], equal: ['c d']}]",
            "1:74: inhibit_rules[0].equal[0]: 'c d' is no label name: one entry is one name",
        ),
        (
            "inhibit_rules: [{source_matchers: [s=x], target_matchers: [s=y], equal: [s]}]",
            ('1:74: inhibit_rules[0].equal[0]: s can never be equal on both sides: s="x" and s="y" exclude each other'),
        ),
        (
            "inhibit_rules: [{source_matchers: [a=b], target_matchers: ['a=~b']}]",
            (
                '1:17: inhibit_rules[0]: this rule can never apply: source and target match the same alerts, {a=~"b"}, '
                "and an alert that matches both sides is not inhibited by such another"
            ),
        ),
        (
            "inhibit_rules: [{source_matchers: [a=b]}]",
            (
                "1:17: inhibit_rules[0]: lacks target_matchers: it would mean every alert; if it shall, write "
                "['alertname=~\".+\"']"
            ),
        ),
        (
            "inhibit_rules: [{source_matchers: [a=b], target_matchers: [c=d, c=e]}]",
            '1:59: inhibit_rules[0].target_matchers: can never match: c="d" and c="e" exclude each other',
        ),
        # times
        (
            "time_intervals: [{name: t, time_intervals: [{weekdays: [monday, fri]}]}]",
            (
                "1:65: time_intervals[0].time_intervals[0].weekdays[1]: 'fri' is no weekday; write it like monday or "
                "monday:friday"
            ),
        ),
        (
            "time_intervals: [{name: t, time_intervals: [{times: [{start_time: 22:00, end_time: 06:00}]}]}]",
            (
                "1:84: time_intervals[0].time_intervals[0].times[0].end_time: must be later than start_time: write two "
                "ranges where it goes over midnight"
            ),
        ),
        # receivers
        (
            kind("slack", "channel: x"),
            "5:9: receivers[0].slack_configs[0]: lacks bot_token or api_url: give one, or its _file",
        ),
        (
            kind("slack", "bot_token: x"),
            (
                "5:9: receivers[0].slack_configs[0]: lacks the key 'channel': a bot must be told where to write, such "
                "as '#alerts'"
            ),
        ),
        (
            kind("slack", "{bot_token: x, channel: y, api_url: z}"),
            "5:45: receivers[0].slack_configs[0].api_url: bot_token and api_url are both given: keep one",
        ),
        (
            kind("slack", "{api_url: 'https://x/y', app_token: z}"),
            (
                "5:9: receivers[0].slack_configs[0]: app_token needs bot_token beside it: an incoming webhook has no "
                "buttons"
            ),
        ),
        (
            kind("slack", "{bot_token_file: nowhere, channel: x}"),
            (
                "5:26: receivers[0].slack_configs[0].bot_token_file: cannot read {folder}/nowhere: No such file or "
                "directory"
            ),
        ),
        (
            kind("slack", "{api_url: hunter2}"),
            "5:19: receivers[0].slack_configs[0].api_url: is no address; write it like https://host/path",
        ),
        (kind("webhook", "max_alerts: 1"), "5:9: receivers[0].webhook_configs[0]: lacks url: give one, or its _file"),
        (
            kind("webhook", "{url: 'http://x', url_file: y}"),
            "5:9: receivers[0].webhook_configs[0]: url and url_file are both given: keep one",
        ),
        (
            kind("webhook", "{url: 'ftp://x:hunter2@y'}"),
            "5:15: receivers[0].webhook_configs[0].url: is no address; write it like https://host/path",
        ),
        (
            kind("webhook", "{url: 'http://x', http: {password: y}}"),
            "5:33: receivers[0].webhook_configs[0].http: has a password and no username",
        ),
        (
            kind("webhook", "{url: 'http://x', timeout: 0s}"),
            "5:36: receivers[0].webhook_configs[0].timeout: must be more than 0",
        ),
        (
            kind("pagerduty", "severity: x"),
            "5:9: receivers[0].pagerduty_configs[0]: lacks routing_key: give one, or its _file",
        ),
        (kind("apprise", "title: x"), "5:9: receivers[0].apprise_configs[0]: lacks url: give one, or its _file"),
        (
            kind("email", "{to: x, from: a@b, smarthost: 'h:25'}"),
            (
                "5:14: receivers[0].email_configs[0].to: 'x' is no mail address; write it like on-call@example.org, "
                "several with commas"
            ),
        ),
        (
            kind("email", "{to: a@b, from: a@b, smarthost: mail}"),
            (
                "5:41: receivers[0].email_configs[0].smarthost: 'mail' is no server with its port; write it like "
                "smtp.example.org:587"
            ),
        ),
        (
            kind("email", "{to: a@b, from: a@b, smarthost: 'h:25', auth_username: x}"),
            (
                "5:9: receivers[0].email_configs[0]: auth_username and auth_password (or auth_password_file) need each "
                "other"
            ),
        ),
        (
            kind(
                "email", "{to: a@b, from: a@b, smarthost: 'h:25', auth_username: x, auth_password: y, encryption: none}"
            ),
            (
                "5:97: receivers[0].email_configs[0].encryption: would send auth_password in the clear: use starttls "
                "or tls (require_tls: true in an alertmanager.yml)"
            ),
        ),
        (
            ROUTE + "receivers: [{name: a, slak_configs: []}]",
            "2:23: receivers[0]: unknown key 'slak_configs', did you mean 'slack_configs'?",
        ),
        # hand over
        (
            "alertmanagers: [alertmanager:9093]",
            ("1:17: alertmanagers[0]: 'alertmanager:9093' is no address; write it like http://alertmanager:9093"),
        ),
        (
            "alertmanagers: [http://a:1, http://a:1/]",
            "1:29: alertmanagers[1]: duplicate Alertmanager 'http://a:1', the first is on line 1",
        ),
        (
            "alertmanagers: [{url: 'http://bob:hunter2@a:1'}]",
            (
                "1:23: alertmanagers[0].url: must not hold a user or a password: they have keys of their own "
                "(username, password)"
            ),
        ),
        ("notify: {peer: {url: 'http://a:1', position: 2}}", "1:46: notify.peer.position: must be at most 1"),
        (
            "notify: {templates: [nowhere.j2]}",
            "1:22: notify.templates[0]: {folder}/nowhere.j2 is no file that can be read",
        ),
    ],
)
def test_one_mistake_is_one_line_with_its_place(tmp_path: Path, text: str, complaint: str) -> None:
    found = complaints(tmp_path, text)
    assert found == [complaint.replace("{folder}", str(tmp_path))]
    assert "hunter2" not in found[0]


def test_what_works_is_not_refused(tmp_path: Path) -> None:
    text = routes(
        "{matchers: [a=x], continue: true}",
        "{matchers: [a=x, b=y]}",
        "{matchers: ['a=~x|y']}",
        "{matchers: ['c=~.+']}",
        "{matchers: ['c=~d.*', 'c!~dd']}",
        "{matchers: ['a!=x'], routes: [{matchers: [a=y]}, {matchers: ['a!=y']}]}",
        "{matchers: ['e!~x|y']}",
    )
    # the route for c=~d.* is behind c=~.+, which takes every alert with a c
    (found,) = complaints(tmp_path, text)
    assert found.startswith(
        "9:7: route.routes[4]: this route can never match: route.routes[3] (line 8) before it takes"
    )
    file = tmp_path / "good.yml"
    file.write_text(text.replace("'c=~.+'", "'c=~.+x'"))
    assert load(file, environment={}).config.route is not None
