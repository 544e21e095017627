"""The canvas: a scene that mirrors the document, a view, and one class per gesture."""
