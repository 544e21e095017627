"""Whether two parsed texts say the same."""

from typing import Any


def same(one: Any, other: Any) -> bool:
    """Return whether two values are equal: `1`, `1.0` and `True` differ, the order of keys does not matter."""
    return _canonical(one) == _canonical(other)


def _canonical(value: Any) -> str:
    # As text, because NaN is not equal to itself.
    if isinstance(value, dict):
        return f"{{{', '.join(sorted(f'{_canonical(key)}: {_canonical(item)}' for key, item in value.items()))}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_canonical, value))}]"
    return repr(value)
