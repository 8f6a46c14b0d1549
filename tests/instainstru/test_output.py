"""What an `Out` tells is what DRF itself would tell, of whatever it is given."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.exceptions import ObjectDoesNotExist
from django.utils import timezone as zones
from rest_framework import serializers

from instainstru.api.output import Out


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class LeafOut(Out[Any]):
    name = serializers.CharField()
    shade = serializers.SerializerMethodField()

    def get_shade(self, leaf: Any) -> str:
        return f"{leaf.name} to {self.context['reader']}"


class HiddenOut(Out[Any]):
    """Seen by staff alone; a field that is left out, not null."""

    secret = serializers.CharField()

    def get_attribute(self, instance: Any) -> Any:
        if self.context["reader"] != "staff":
            raise serializers.SkipField
        return super().get_attribute(instance)


class TreeOut(Out[Any]):
    text = serializers.CharField()
    number = serializers.IntegerField()
    truth = serializers.BooleanField()
    colour = serializers.ChoiceField([colour.value for colour in Colour])
    numbered = serializers.ChoiceField([1, 2])
    at = serializers.DateTimeField(allow_null=True)
    day = serializers.DateTimeField(source="at", format="%d.%m.%Y")
    deep = serializers.CharField(source="leaf.name", default=None, allow_null=True)
    items = serializers.CharField()  # a name that every mapping has, too
    leaf = LeafOut(allow_null=True)
    leaves = LeafOut(many=True)
    words = serializers.ListField(child=serializers.CharField())
    left_out = serializers.CharField(required=False)
    hidden = HiddenOut(source="*", required=False)
    note = serializers.CharField(write_only=True, required=False)

    def to_representation(self, instance: Any) -> dict[str, Any]:
        return super().to_representation(instance) | {"reader": self.context["reader"]}


@dataclass
class Leaf:
    name: str


class Missing:
    """What it refers to was deleted."""

    @property
    def name(self) -> str:
        raise ObjectDoesNotExist


NOON = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)
USUAL = {
    "text": "oak", "number": 7, "truth": True, "colour": "red", "numbered": 1, "at": NOON, "items": "two",
    "leaf": Leaf("a"), "leaves": [Leaf("b"), Leaf("c")], "words": ["d"], "secret": "e", "left_out": "f",
}  # fmt: skip
CASES = {
    "usual": {},
    "nothing": dict.fromkeys(["text", "number", "truth", "colour", "numbered", "at", "items", "leaf"]),
    "other types": {"text": 12, "number": "7", "truth": "yes", "numbered": "2", "words": (1, 2)},
    "words of a set": {"text": Colour.RED, "colour": Colour.BLUE},
    "no such word": {"colour": "green", "numbered": 9},
    "empty": {"text": "", "colour": "", "leaves": [], "words": []},
    "another zone": {"at": NOON.astimezone(timezone(timedelta(hours=-5)))},
    "naive": {"at": NOON.replace(tzinfo=None)},
    "as text": {"at": "2026-03-01"},
    "called": {"text": lambda: "oak", "number": partial(int, "7"), "leaf": lambda: Leaf("a"), "leaves": list},
    "gone": {"leaf": Missing()},
    "a mapping inside": {"leaf": {"name": "a"}},
}


def as_drf_tells(kind: type[Out[Any]], told: Any, **how: Any) -> Any:
    with pytest.MonkeyPatch.context() as plain:
        plain.setattr(Out, "to_representation", serializers.Serializer.to_representation)
        return outcome(kind, told, **how)


def outcome(kind: type[Out[Any]], told: Any, **how: Any) -> Any:
    try:
        shown = kind(told, **how).data
    except Exception as error:  # noqa: BLE001  # whatever it is, it has to be the same
        return type(error), str(error)
    return shown, list(shown), [type(value) for value in shown.values()] if isinstance(shown, dict) else None


@pytest.mark.parametrize("reader", ["staff", "student"])
@pytest.mark.parametrize("changes", CASES.values(), ids=CASES)
def test_it_tells_what_drf_tells(changes, reader):
    tree = SimpleNamespace(**USUAL | changes)

    assert outcome(TreeOut, tree, context={"reader": reader}) == as_drf_tells(TreeOut, tree, context={"reader": reader})


@pytest.mark.parametrize("lacking", USUAL)
def test_of_what_is_not_there_it_says_what_drf_says(lacking):
    tree = SimpleNamespace(**{name: value for name, value in USUAL.items() if name != lacking})
    context = {"reader": "staff"}

    assert outcome(TreeOut, tree, context=context) == as_drf_tells(TreeOut, tree, context=context)


@pytest.mark.parametrize("told", [USUAL, {**USUAL, "leaf": None}, {}], ids=["whole", "in part", "empty"])
def test_a_mapping_is_told_by_its_values(told):
    context = {"reader": "staff"}

    assert outcome(LeafOut, {"name": "a"}, context=context) == as_drf_tells(LeafOut, {"name": "a"}, context=context)
    assert outcome(TreeOut, told, context=context) == as_drf_tells(TreeOut, told, context=context)


def test_many_are_told_in_their_order():
    trees = [SimpleNamespace(**USUAL | {"number": number}) for number in (2, 1)]
    context = {"reader": "student"}

    assert outcome(TreeOut, trees, many=True, context=context) == as_drf_tells(
        TreeOut, trees, many=True, context=context
    )


def test_each_answer_has_its_own_reader():
    """The fields are shared by all answers; who reads is not, nor is it left behind."""

    class AskingOut(Out[Any]):
        inner = serializers.SerializerMethodField()

        def get_inner(self, leaf: Any) -> Any:
            others = LeafOut(leaf, context={"reader": "somebody else"}).data
            return others["shade"], self.context["reader"]

    tree = Leaf("a")

    assert AskingOut(tree, context={"reader": "staff"}).data["inner"] == ("a to somebody else", "staff")
    assert AskingOut(tree, context={"reader": "student"}).data["inner"] == ("a to somebody else", "student")


@pytest.mark.parametrize("left_out", ["nothing", "left_out"])  # told in one go, and by DRF
def test_instants_are_told_in_utc_whatever_zone_is_active(left_out):
    tree = SimpleNamespace(**{name: value for name, value in USUAL.items() if name != left_out})
    with zones.override("America/New_York"):
        shown = TreeOut(tree, context={"reader": "staff"}).data

    assert shown["at"] == "2026-03-01T12:00:00.250000Z"


def test_what_is_plain_is_not_asked_of_drf(monkeypatch):
    monkeypatch.setattr(serializers.Serializer, "to_representation", None)

    assert TreeOut(SimpleNamespace(**USUAL), context={"reader": "staff"}).data["leaf"] == {
        "name": "a",
        "shade": "a to staff",
    }
