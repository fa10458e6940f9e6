"""Reading pages of the web for an agent: only hosts that a person has allowed, and never an address of this network.

An address is taken apart once (`where`), its host looked up once (`resolving`), and the connection goes to exactly the
address that was looked at (`getting`), so that a name which means something else a moment later changes nothing. Each
redirect begins anew. What comes is made readable by a program that can be killed (`reading`).
"""

import importlib
from collections.abc import Callable, Sequence
from typing import Any

from baara_engine.fetching.reach import PUBLIC, Reach

__all__ = ["PUBLIC", "Reach", "fetch"]


async def fetch(address: str, allowed: Sequence[str], reach: Reach = PUBLIC) -> str:
    """Give a page as text: HTML as Markdown, other text as it is, behind a line that says where it is from.

    `allowed` are hosts as `hosts.pattern` gives them. Raises `errors.InvalidInput` for what the agent can mend,
    `errors.Refused` for what only the person can, and `errors.Unavailable` where the host cannot be reached.
    """
    load: Callable[[str], Any] = importlib.import_module  # when first asked for: an HTTP client takes long to import
    text: str = await load("baara_engine.fetching.following").fetch(address, allowed, reach)
    return text
