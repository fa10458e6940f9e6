"""The telling sentences of a text, by how often their words occur in it: an extract, not a summary."""

import re
from collections import Counter

SENTENCES = 3  # in an extract, unless said otherwise
SHORTEST_WORD = 4  # letters; shorter words are mostly grammar
LONGEST_SENTENCE = 400  # characters that are shown of one

SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
WORD = re.compile(r"[^\W\d_]+")
MARKUP = re.compile(r"^\s*(?:#|\||>|```|~~~|[-*=_]{3,}|<)")  # lines that are not sentences
BULLET = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s+")
COMMON_WORDS = (
    "about after also been before both could does each even every from have here into just like many more most much "
    "must only other over same should since some such than that their them then there these they this those through "
    "under until very were what when where which while will with would your"
)
COMMON = frozenset(COMMON_WORDS.split())


def sentences(text: str) -> list[str]:
    """Cut prose into sentences; markup, tables and code in fences are left out."""
    found = []
    for paragraph in re.split(r"\n\s*\n", _without_fences(text)):
        lines = [BULLET.sub("", line).strip() for line in paragraph.splitlines() if not MARKUP.match(line)]
        found += [sentence.strip() for sentence in SENTENCE_END.split(" ".join(lines)) if WORD.search(sentence)]
    return found


def telling(text: str, most: int = SENTENCES) -> list[str]:
    """Give the sentences whose words are the most frequent ones, in the order of the text."""
    all_of_them = sentences(text)
    frequency = Counter(word for sentence in all_of_them for word in _words(sentence))

    def weight(at: int) -> tuple[float, int]:
        words = _words(all_of_them[at])
        return -sum(frequency[word] for word in words) / (len(words) + 1), at  # the +1 keeps single words from winning

    best = sorted(range(len(all_of_them)), key=weight)[:most]
    return [_short(all_of_them[at]) for at in sorted(best)]


def beginning(text: str, lines: int, characters: int) -> str:
    """Give the first lines that are not blank, up to so many characters."""
    kept = [line.rstrip() for line in text.splitlines() if line.strip()][:lines]
    whole = "\n".join(kept)
    return whole if len(whole) <= characters else whole[:characters].rstrip() + "…"


def _without_fences(text: str) -> str:
    return re.sub(r"^(```|~~~).*?^\1\s*$", "", text, flags=re.MULTILINE | re.DOTALL)


def _words(sentence: str) -> list[str]:
    words = (word.lower() for word in WORD.findall(sentence))
    return [word for word in words if len(word) >= SHORTEST_WORD and word not in COMMON]


def _short(sentence: str) -> str:
    return sentence if len(sentence) <= LONGEST_SENTENCE else sentence[: LONGEST_SENTENCE - 1] + "…"
