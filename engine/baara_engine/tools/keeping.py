"""Results that are too long to be told: their ends are told, and all of it lies in a file of the workspace."""

import hashlib

from baara_engine import redaction, tools
from baara_engine.sandboxes.hands import whole

MOST_TOLD = 60_000  # characters of a result: some fifteen thousand tokens, sent with every question from then on
HEAD = MOST_TOLD * 2 // 3  # characters: what is looked for mostly stands at the beginning


async def told(call: tools.Call, text: str) -> str:
    """Give a result as the model is told it. The whole of a long one is kept, with its secrets hidden."""
    if len(text) <= MOST_TOLD:
        return text
    hidden = redaction.known.text(text)
    name = hashlib.sha256(call.key.encode()).hexdigest()[:32]
    path = "/".join((*whole.FOLDERS, f"{name}.txt"))
    await call.session.write(path, hidden)
    note = f"\n[… {len(hidden) - MOST_TOLD:,} characters left out here; all of it is in {path}: read or search it …]\n"
    return hidden[:HEAD] + note + hidden[HEAD - MOST_TOLD :]
