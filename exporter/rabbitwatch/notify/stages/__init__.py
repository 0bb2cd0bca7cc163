"""The line that a group of alerts goes down when it is due, one stage a file; notification.py lays it.

    inhibit -> active time -> mute time -> silence -> turn -> deliver

where deliver is, for each integration of the receiver, dedup -> hand over -> record.

A stage takes alerts out, lets them pass, or holds the whole flush back for a while. Where none are left the line ends.
"""
