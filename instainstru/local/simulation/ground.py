"""What a marketplace has to offer for its end to be watched: the simulation's world, or what chaos has left."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from instainstru.accounts.models import User
from instainstru.local.simulation.post import Post
from instainstru.local.simulator import SimulatorControl
from instainstru.local.traveller import Traveller


class Ground(Protocol):
    """Everybody has stopped but this process, in which time stands and travels."""

    simulator: SimulatorControl
    traveller: Traveller
    post: Post
    staff: User
    students: list[User]
    began_at: datetime
