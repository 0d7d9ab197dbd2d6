"""The API's own description, in OpenAPI."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.views import SpectacularAPIView


class Drawn(SchemaGenerator):
    """Drawn once in each process: it is the same for all who ask, and takes a while."""

    def get_schema(self, request: Any = None, public: bool = False) -> Any:
        """The whole schema."""
        return _drawn()


@lru_cache(maxsize=1)
def _drawn() -> Any:
    return SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]


class SchemaView(SpectacularAPIView):
    """As YAML, or as JSON with `?format=json`."""

    generator_class = Drawn
