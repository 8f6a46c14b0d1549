"""What a side writes, and the file it adds, on the pages about a lesson that went wrong."""

from typing import Any

from django import forms

from disputes.operations.evidence import EvidenceRefused, InspectedFile, inspect
from disputes.operations.file_types import ACCEPTED
from instainstru.api.catalogue import CATALOGUE

LONGEST_STATEMENT = 4_000


def sentence_of(refused: EvidenceRefused) -> str:
    """Say why a piece of evidence is not taken, and what can be done instead."""
    kind = CATALOGUE[refused.code]
    return f"{kind.why} {kind.instead}"


class StatementForm(forms.Form):
    """Words, and one file beside them if there is one; more can be added afterwards.

    `too_large` says that a file was given up on while it was sent (`instainstru.api.uploads`).
    """

    statement = forms.CharField(
        label="What happened?",
        required=False,
        max_length=LONGEST_STATEMENT,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text="The other side and our staff can read it.",
    )
    file = forms.FileField(
        label="A file",
        required=False,
        widget=forms.FileInput(attrs={"accept": ",".join(ACCEPTED)}),
        help_text="A picture (JPEG, PNG, WebP) or a PDF, at most 10 MB. The other side and our staff can see it. You "
        "can add more later.",
    )

    def __init__(self, *args: Any, too_large: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._too_large = too_large

    def clean_file(self) -> InspectedFile | None:
        upload = self.cleaned_data["file"]
        try:
            if self._too_large:
                raise EvidenceRefused("file_too_large")
            return inspect(upload) if upload else None
        except EvidenceRefused as refused:
            raise forms.ValidationError(sentence_of(refused), code=refused.code) from refused


class DisputeForm(StatementForm):
    """A dispute says what was wrong."""

    statement = forms.CharField(
        label="What was wrong?",
        max_length=LONGEST_STATEMENT,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text="The other side and our staff can read it.",
    )


class EvidenceForm(StatementForm):
    """Words, a file, or both."""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors and not cleaned["statement"] and cleaned["file"] is None:
            self.add_error("statement", "Write something, choose a file, or do both.")
        return cleaned


class EvidenceForTheBankForm(EvidenceForm):
    """The same in a chargeback, where no side sees what the other shows."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["statement"].help_text = "Our staff can read it, and may send it to the bank."
        self.fields["file"].help_text = "A picture (JPEG, PNG, WebP) or a PDF, at most 10 MB. You can add more later."
