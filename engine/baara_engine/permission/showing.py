"""Showing a call as it is: nothing in it may look like something else, or hide.

Control characters, line ends and what has no width are written as escapes; so are letters that pass for others: those
that mix with ASCII letters in one word, and words made of look-alikes only.
"""

import re
import unicodedata

import orjson

from baara_engine.records import Json

MOST = 4000  # characters of a call that a question shows; the whole is shown when it is asked for
HEAD = 3000  # of these, from its beginning: the rest is from its end, where something could be hidden
WORD = re.compile(r"\w+")
# Characters that count as printable and print nothing: fillers, and what chooses between forms of the one before.
UNSEEN = frozenset("\u115f\u1160\u3164\uffa0\u034f\u17b4\u17b5") | {
    chr(code) for selectors in (range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0)) for code in selectors
}
MARKS = frozenset({"Mn", "Me"})  #: categories of what is written over the letter before
# Letters of other scripts that people take for Latin ones.
LOOK_ALIKES = frozenset(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0455\u0456\u0458\u04bb\u0501\u051b\u051d\u04cf\u043a\u043c\u0442\u0432\u043d\u0433"
    "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0423\u0425\u0405\u0406\u0408\u0417\u04ae"
    "\u03b1\u03bf\u03c1\u03c5\u03bd\u03b9\u03ba\u03c7\u03c9\u03b3\u03c4"
    "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7"
    "\u0561\u0578\u057d\u0581\u0585\u0570\u0575\u0131\u0251\u0261"
)


def exactly(value: Json) -> str:
    """Write the arguments of a call as one line, as `whole` does; of long ones the beginning and the end."""
    shown = whole(value)
    if len(shown) <= MOST:
        return shown
    return f"{shown[:HEAD]} … {len(shown) - MOST:,} characters left out … {shown[HEAD - MOST :]}"


def whole(value: Json) -> str:
    """Write the arguments of a call as one line of JSON, with escapes for what would mislead."""
    text = WORD.sub(lambda word: _word(word[0]), orjson.dumps(value).decode())
    return "".join(_char(char, before) for before, char in zip(f" {text}", text, strict=False))


def _word(word: str) -> str:
    if word.isascii():
        return word
    letters = [char for char in word if not char.isascii()]
    if any(char.isascii() and char.isalpha() for char in word) or all(char in LOOK_ALIKES for char in letters):
        return "".join(char if char.isascii() or _is_latin(char) else _escape(char) for char in word)
    return word


def _is_latin(char: str) -> bool:
    """Say whether it is a letter like ü, which nobody takes for another."""
    return char not in LOOK_ALIKES and unicodedata.name(char, "").startswith("LATIN ")


def _char(char: str, before: str) -> str:
    if char.isascii() and char.isprintable():
        return char
    plain = unicodedata.normalize("NFKC", char)
    stands_for_ascii = plain != char and plain.isascii()
    hidden = not char.isprintable() or char in UNSEEN or (before.isascii() and unicodedata.category(char) in MARKS)
    return _escape(char) if stands_for_ascii or hidden else char


def _escape(char: str) -> str:
    code = ord(char)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"  # noqa: PLR2004 - what fits four digits
