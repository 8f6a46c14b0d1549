"""What a ruling would do, as it is shown before staff agree to it."""

from __future__ import annotations

from dataclasses import dataclass

from rest_framework import serializers

from disputes.operations.notices import GOES_ON
from disputes.serializers.cases import RULING
from instainstru.api.output import Out
from payments.policy.plan import Plan
from payments.serializers.plans import Preview, PreviewOut

NOTHING_MOVES = "nothing-moves"  # the digest of a ruling after which everything goes on


@dataclass(frozen=True, slots=True, kw_only=True)
class RulingPreview:
    """A ruling with the plan that it makes, or with none if everything goes on as before."""

    ruling: str
    plan: Plan | None

    @property
    def digest(self) -> str:
        return NOTHING_MOVES if self.plan is None else self.plan.digest

    @property
    def sentence(self) -> str:
        return GOES_ON if self.plan is None else ""

    @property
    def preview(self) -> Preview | None:
        return None if self.plan is None else Preview(self.plan)


class RulingPreviewOut(Out[RulingPreview]):
    """What a ruling does. Send `preview` with it, and it does exactly this or is refused."""

    ruling = serializers.ChoiceField(RULING)
    preview = serializers.CharField(source="digest", help_text="Fingerprint of the consequences.")
    sentence = serializers.CharField(help_text="For people, if nothing moves.")
    plan = PreviewOut(source="preview", allow_null=True, help_text="Null: everything goes on as before.")
