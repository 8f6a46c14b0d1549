"""Who may read what: a student what they pay and get back, an instructor what they are paid, staff both.

A serializer's context has `sides`, those whose amounts the reader may see. No student ever learns the instructor's fee.
"""

from typing import Any, ClassVar

from instainstru.accounts.models import User
from instainstru.api.output import Out
from payments.policy.states import Party

BOTH_SIDES = frozenset({Party.STUDENT, Party.INSTRUCTOR})


def sides_of(user: User) -> frozenset[Party]:
    """Return the sides whose amounts a user may see of the bookings that they may see at all."""
    return BOTH_SIDES if user.is_staff else frozenset({Party(user.role)})


class SideOut(Out[Any]):
    """What concerns one side of the object that it stands in; null for a reader who may not see that side."""

    side: ClassVar[Party]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        for name, usual in (("source", "*"), ("read_only", True), ("allow_null", True)):
            kwargs.setdefault(name, usual)
        super().__init__(*args, **kwargs)

    def get_attribute(self, instance: Any) -> Any:
        return super().get_attribute(instance) if self.side in self.context["sides"] else None
