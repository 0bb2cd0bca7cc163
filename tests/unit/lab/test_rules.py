from __future__ import annotations

from rabbitlab.rules import rules
from rabbitlab.state import Lab
from tests.unit.lab.labs import netns_lab


def added(lab: Lab, name: str) -> list[str]:
    return [line for line in rules(lab, lab.node(name)).splitlines() if line.startswith("-A")]


def test_a_whole_cluster_has_no_rules_and_the_tables_are_emptied() -> None:
    text = rules(netns_lab(), netns_lab().node("rabbit1"))
    assert "-A" not in text
    assert text.count("COMMIT\n") == 2
    assert text.endswith("COMMIT\n")


def test_a_cut_drops_on_both_ends_what_arrives_from_the_other() -> None:
    lab = netns_lab()
    lab.cuts = [("rabbit3", "rabbit1", False)]
    assert added(lab, "rabbit1") == ["-A INPUT -s 10.200.7.13 -j DROP"]
    assert added(lab, "rabbit3") == ["-A INPUT -s 10.200.7.11 -j DROP"]
    assert added(lab, "rabbit2") == []


def test_a_one_way_cut_lets_bare_acknowledgements_pass_and_hides_goodbyes() -> None:
    lab = netns_lab()
    lab.cuts = [("rabbit3", "rabbit1", True)]
    assert added(lab, "rabbit1") == ["-A INPUT -s 10.200.7.13 -p tcp ! --tcp-flags SYN,FIN,RST,PSH NONE -j DROP"]
    assert added(lab, "rabbit3") == [
        "-A INPUT -s 10.200.7.11 -p tcp --tcp-flags FIN FIN -j DROP",
        "-A INPUT -s 10.200.7.11 -p tcp --tcp-flags RST RST -j DROP",
    ]


def test_a_late_port_redirects_the_observer_alone_and_resets_what_is_open() -> None:
    lab = netns_lab()
    lab.answers = {"rabbit2": "3"}
    observer = "-s 10.200.7.1 -p tcp --dport 15672"
    assert added(lab, "rabbit2") == [
        f"-A PREROUTING {observer} -j REDIRECT --to-ports 15670",
        f"-A INPUT {observer} -j REJECT --reject-with tcp-reset",
    ]
    lab.answers = {"rabbit2": "hang"}
    assert added(lab, "rabbit2")[1] == f"-A INPUT {observer} -j DROP"
    assert added(lab, "rabbit1") == []
