"""REST for developers and operators: what happened, what is to be said, rules, people, the switch.

Described in docs/outreach-api.md. Every route is an `Operation` of a table, from which the
application's routes and `/v1/openapi.json` are made.
"""
