"""Databases that are made in an instant, for test workers and scenario runs.

Migrating takes seconds, cloning a database that has been migrated takes a tenth of one. So `template` keeps a migrated
database for the present migrations, `seats` hands each worker a number with a database and a Redis database of its own,
`seed` brings a used database back to what the migrations left in it, and `scratch` puts the three together.
"""
