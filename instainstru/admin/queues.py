"""Work queues: what waits for staff, declared by the apps that know it (design 2).

An app registers its queues in `AppConfig.ready`; the admin's first page shows them, the most pressing first.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.core.checks import CheckMessage, Error, register

SHOWN = 5  # of one queue on the first page; its list has the rest


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkItem:
    """One thing that waits, and the page where something can be done about it."""

    label: str
    url: str
    detail: str = ""
    since: datetime | None = None
    deadline: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """How much waits, the instant by which the first of it must be done, and the most pressing of it."""

    count: int
    next_deadline: datetime | None = None
    items: tuple[WorkItem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkQueue:
    """One kind of work. `backlog` is asked with the present instant; `url` leads to the rows themselves."""

    name: str
    title: str
    backlog: Callable[[datetime], Backlog]
    url: Callable[[], str]
    permission: str = ""  # such as "payments.move_money"; whoever lacks it does not see the queue


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One queue as the first page shows it."""

    title: str
    url: str
    count: int
    next_deadline: datetime | None
    is_overdue: bool
    items: tuple[WorkItem, ...] = ()

    @property
    def rest(self) -> int:
        """How many more there are than are shown."""
        return self.count - len(self.items)


_registered: list[WorkQueue] = []


def register_queue(queue: WorkQueue) -> None:
    """Declare a queue; called once for each, from `AppConfig.ready`."""
    _registered.append(queue)


def waiting_at(now: datetime, user: AbstractBaseUser | AnonymousUser) -> list[Waiting]:
    """Return the queues that this user may see, those with the nearest deadline first."""
    visible = [queue for queue in _registered if not queue.permission or user.has_perm(queue.permission)]  # type: ignore[union-attr]
    shown = [_as_shown(queue, now) for queue in visible]
    far_away = datetime.max.replace(tzinfo=now.tzinfo)
    return sorted(shown, key=lambda queue: (queue.next_deadline or far_away, -queue.count, queue.title))


def _as_shown(queue: WorkQueue, now: datetime) -> Waiting:
    backlog = queue.backlog(now)
    deadline = backlog.next_deadline
    return Waiting(
        title=queue.title,
        url=queue.url(),
        count=backlog.count,
        next_deadline=deadline,
        is_overdue=deadline is not None and deadline < now,
        items=backlog.items,
    )


def _repeated_names(names: Iterable[str]) -> set[str]:
    seen: set[str] = set()
    return {name for name in names if name in seen or seen.add(name)}  # type: ignore[func-returns-value]


@register()
def queues_are_named_once(app_configs: object, **_: object) -> list[CheckMessage]:
    """Refuse to start with two queues of one name: one of them would hide what the other knows."""
    return [
        Error(f"The work queue {name!r} is registered more than once.", id="instainstru.E001")
        for name in sorted(_repeated_names(queue.name for queue in _registered))
    ]
