"""Every route of the site, read off the URL configuration, so that none is forgotten."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

PART = re.compile(r"<(?:\w+:)?(\w+)>")


@dataclass(frozen=True)
class Route:
    name: str
    path: str  # as Django writes it, such as `bookings/<slug:ref>`
    app: str

    @property
    def parts(self) -> list[str]:
        """The names of what stands in the address."""
        return PART.findall(self.path)

    def address(self, parts: dict[str, str]) -> str:
        return "/" + PART.sub(lambda part: parts[part[1]], self.path)

    def __str__(self) -> str:
        return self.name


def every_route() -> list[Route]:
    return list(_routes(get_resolver().url_patterns))


def _routes(patterns: list[Any], prefix: str = "", spaces: tuple[str, ...] = ()) -> Iterator[Route]:
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _routes(pattern.url_patterns, path, (*spaces, *filter(None, [pattern.namespace])))
        elif isinstance(pattern, URLPattern) and pattern.name and "^" not in path:
            app = pattern.lookup_str.partition(".")[0]
            yield Route(":".join([*spaces, pattern.name]), path, " ".join([*spaces, app]))
