"""The Grafana dashboards as code: `python -m dashboards.build` writes the JSON files beside this folder.

house.py    what they share: variables, annotations, links, the grid
panels.py   the kinds of panels, with what each must have: title, description, unit, thresholds
table.py    the dashboards, by file; each has a module of its own

The types are of Grafana 10.1, the oldest that the SDK has; they are also read by Grafana 9 and by newer ones, which
migrate them at loading. Expressions aggregate away `job` and `instance`, so they are right on a Prometheus that scrapes
one agent or two, and on the agent itself as data source.
"""
