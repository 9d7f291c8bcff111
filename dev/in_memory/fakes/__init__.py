"""Every port in memory: the fakes pass the same contract suite as the adapters, and fail when a test says so.

`fakes.archive.fail_next("commit", StorageBusyError("…"))` fails before anything is done; with `after=True` the thing
is done and only its answer is lost. `fakes.archive.calls` lists the names of the methods called, in order.
"""
