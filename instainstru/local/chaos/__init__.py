"""Everything breaks while people do business: real processes, killed, cut off, slowed down and put wrong at random.

`settings` and `apps` are what the programs run with, `servers` owns PostgreSQL and Redis, `programs` says what runs.
`people`, `asking` and `load` are the ones who use it through the API, `passing` lets time go by, `deeds` does the harm,
`watching` sees who takes up what a dead one left. `account` ends it all and looks what became of it, `report` tells it,
and `run` puts them together.
"""
