"""The HTTP API, /api/v1: what a proxy knows, as JSON.

routes     every path, what it answers and takes             (start reading here)
shapes     what is answered, as types
desk       what all answers are made of
query      what may be asked for
answer     how it is answered, faults included
summary, upstreams, miners, workers, bans, ledger, changes, events, openapi      the answers
"""
