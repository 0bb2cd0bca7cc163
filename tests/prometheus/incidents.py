"""What happens to the cluster in the hour, and when: a table."""

from __future__ import annotations

from enum import Enum

INTERVAL = 15
"""Seconds between two polls."""


class Incident(Enum):
    """One thing that goes wrong, from one poll of the hour to another; the values are (first, after the last)."""

    LAGGING = (20, 60)
    GROWTH = (10, 100)
    SLOW = (30, 58)
    SPLIT = (60, 80)
    PARTITION_REPORTED = (80, 92)
    NODE_DOWN = (92, 108)
    SILENCE = (108, 112)
    RESTART = (112, 240)
    ALARMS = (120, 132)
    BUSY = (118, 145)
    NO_CONSUMERS = (125, 200)
    QUEUES_GONE = (140, 155)
    COOKIE = (150, 160)
    RAM = (156, 165)
    MISSING_NODE = (160, 170)
    UPGRADE = (165, 180)
    DRAINING = (170, 176)
    ODD_LINK = (176, 186)
    DRIFT = (180, 195)
    FLAWS = (186, 192)
    LOCKED_OUT = (192, 200)
    VHOST_DOWN = (200, 206)
    CHECKS = (204, 212)
    CRASHED = (206, 216)
    QUORUM_LOST = (210, 222)
    LOST_QUEUES = (170, 220)
    ONE_WAY = (0, 8)
    DEAF = (4, 14)
    STRANGER = (8, 18)
    MISSING_MIRRORS = (12, 20)
    CAPPED = (14, 30)
    MINORITY = (222, 232)
    ALL_RAM = (228, 236)
    HOLLOW = (230, 238)
    LAGGING_AGAIN = (113, 124)
    DISK_LOW = (132, 140)
    NO_OVERVIEW = (143, 149)

    def began(self, number: int) -> int | None:
        """Its first poll, if it goes on at this one."""
        first, after = self.value
        return first if first <= number < after else None


def incidents(number: int) -> frozenset[Incident]:
    """What goes on at that poll; nothing before the hour."""
    return frozenset(each for each in Incident if each.began(number) is not None)
