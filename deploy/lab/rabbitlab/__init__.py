"""The lab: real RabbitMQ clusters on one machine, started and broken on purpose.

Standard library only, so that it needs no set-up. Read cli.py first; the line through `lab up` is

    order (what was asked) -> plan (names, addresses, ports) -> network -> brokers -> dressing (users, policies)

and every step writes the state file before it makes a thing, so that a later call can end it.
"""
