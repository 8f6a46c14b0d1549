"""The policy's numbers: staff write a version before it holds, and nobody changes one that does (P1.2, P1.4)."""

from datetime import datetime

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from instainstru import clock
from instainstru.admin.columns import instant
from payments.models import RulesVersion


class RulesVersionForm(forms.ModelForm):
    class Meta:
        model = RulesVersion
        fields = "__all__"  # noqa: DJ007 - every number of a version is for staff to set

    def clean_effective_from(self) -> datetime:
        effective_from: datetime = self.cleaned_data["effective_from"]
        if effective_from <= clock.now():
            raise forms.ValidationError("A version begins to hold in the future: nobody's terms change in hindsight.")
        return effective_from


@admin.register(RulesVersion)
class RulesVersionAdmin(admin.ModelAdmin):
    form = RulesVersionForm
    list_display = ["version", "holds_from", "student_fee", "instructor_fees", "in_force"]
    ordering = ["-effective_from"]

    @admin.display(description="holds from", ordering="effective_from")
    def holds_from(self, rules: RulesVersion) -> str:
        return instant(rules.effective_from)

    @admin.display(description="student's fee")
    def student_fee(self, rules: RulesVersion) -> str:
        return _percent(rules.student_fee_rate)

    @admin.display(description="instructor's fee: founding, entry, growth, pro")
    def instructor_fees(self, rules: RulesVersion) -> str:
        return ", ".join(map(_percent, [rules.founding_rate, rules.entry_rate, rules.growth_rate, rules.pro_rate]))

    @admin.display(description="holds", boolean=True)
    def in_force(self, rules: RulesVersion) -> bool:
        return rules.effective_from <= clock.now()

    def has_change_permission(self, request: HttpRequest, obj: RulesVersion | None = None) -> bool:
        return super().has_change_permission(request, obj) and _is_still_open(obj)

    def has_delete_permission(self, request: HttpRequest, obj: RulesVersion | None = None) -> bool:
        return super().has_delete_permission(request, obj) and obj is not None and _is_still_open(obj)


def _is_still_open(rules: RulesVersion | None) -> bool:
    return rules is None or rules.effective_from > clock.now()


def _percent(basis_points: int) -> str:
    return f"{basis_points / 100:g} %"
