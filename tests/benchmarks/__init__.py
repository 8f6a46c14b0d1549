"""How fast it is: `make bench`, or `python -m tests.benchmarks --only sweeps --quick`.

Each module but those that serve the others measures one thing and says which of its goals are met. Nothing here fails
because a machine is slow: figures are printed as a table and written as JSON, and ratios are to a floor measured in the
same run. `test_smoke` plays everything in small, so that it can't rot.
"""
