"""The JSON Schema of a graph file, for editors and for whoever makes graphs with other programs."""

from typing import Any

from composite_runtime.graph.model import Graph


def schema() -> dict[str, Any]:
    """Return the schema. It allows unknown keys, as the model does."""
    made = _without_titles(Graph.model_json_schema())
    for part in (made, *made["$defs"].values()):
        # Values made in Python may leave these out; a file may not, for they tell what the rest means.
        tags = [name for name in ("version", "type") if name in part["properties"]]
        part["required"] = [*tags, *part.get("required", ())]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Fusion graph", **made}


def _without_titles(part: Any) -> Any:
    """Return the schema without the titles pydantic makes from names: they say nothing that the names do not."""
    if isinstance(part, list):
        return [_without_titles(item) for item in part]
    if not isinstance(part, dict):
        return part
    return {
        key: {name: _without_titles(inner) for name, inner in value.items()}
        if key in {"properties", "$defs"}
        else _without_titles(value)
        for key, value in part.items()
        if key != "title"
    }
