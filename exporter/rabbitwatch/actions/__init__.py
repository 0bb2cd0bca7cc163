"""From alerts to repairs, a step at a time, on record.

    alert or person -> binding -> look -> plan -> guards -> (approval) -> lease, look, guards again -> request -> follow

table.py      the actions, by name
guards/       what speaks against a step, one file a question; all are asked, always
crew.py       one a cluster: its line, its thread, where it looks, its lease; crew_maker.py makes them
look.py       a poll of its own, and the details of the queues that lag
line.py       the line above, in code: read this first
follow.py     a request until its end is seen
binding.py    which alerts lead to which action
approvals.py  single use, expiring
audit.py      the hash chain
lease/        one hand: who of several agents may act
"""
