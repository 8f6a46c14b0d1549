"""PostgreSQL and Valkey from wheels, so that everything runs on a machine that has nothing but Python.

`ensure()` is all that the rest of the project needs. Behind it: `users` (find or start), `keeper` (the process that
owns both servers), `postgres` and `valkey` (how each is started), `control` (status, stop, reset), `profile` and
`wheels` (where things are). Nothing here imports Django: settings are read with the help of this package.
"""

from instainstru.local.servers.profile import ServersUnavailable, Urls
from instainstru.local.servers.users import ensure

__all__ = ["ServersUnavailable", "Urls", "ensure"]
