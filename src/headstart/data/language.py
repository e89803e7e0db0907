"""Which language texts are written in: a guess from their letters and their commonest words."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_N_CHARACTERS = 2000  # of each text
_FEWEST_LETTERS = 40  # in all texts together
_FEWEST_FUNCTION_WORDS = 12
_SHARE = 0.12  # of all words; running text of these languages has 0.25 to 0.45
_LEAD = 1.5  # times the second language
_KANA = 0.1  # as many kana as this, against Chinese characters, are Japanese
_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True)
class Language:
    """A guess: its name for people, and the ISO 639-1 codes of the languages that it may be."""

    name: str
    codes: frozenset[str]


_FUNCTION_WORDS = {
    Language(
        "English", frozenset({"en"})
    ): "the and of to is that it was for with you this are have not be on i my they",
    Language(
        "German", frozenset({"de"})
    ): "der die das und ist nicht ein eine zu mit den von auf für sich dem des im wird ich",
    Language("French", frozenset({"fr"})): "le la les et est des une un pas dans que qui pour du au sur ce ne je il",
    Language("Spanish", frozenset({"es"})): "el la los las y es de que en un una por con para no se del lo como más",
    Language("Italian", frozenset({"it"})): "il la di che è e un una per non sono del della con si gli le da ma nel",
    Language("Portuguese", frozenset({"pt"})): "o a os as e é de que não um uma do da em para com no na se por",
    Language("Dutch", frozenset({"nl"})): "de het een en van is dat niet op te zijn met voor ik aan er maar om ook je",
}
_WORDS = {language: frozenset(words.split()) for language, words in _FUNCTION_WORDS.items()}
_SCRIPTS = {
    "GREEK": Language("Greek", frozenset({"el"})),
    "HEBREW": Language("Hebrew", frozenset({"he", "yi"})),
    "HANGUL": Language("Korean", frozenset({"ko"})),
    "KANA": Language("Japanese", frozenset({"ja"})),
    "THAI": Language("Thai", frozenset({"th"})),
    "CJK": Language("Chinese or Japanese", frozenset({"zh", "ja"})),
    "ARABIC": Language("a language in Arabic script", frozenset({"ar", "fa", "ur", "ps"})),
    "CYRILLIC": Language("a language in Cyrillic script", frozenset({"ru", "uk", "bg", "sr", "mk", "be", "kk"})),
    "DEVANAGARI": Language("a language in Devanagari script", frozenset({"hi", "mr", "ne"})),
    "BENGALI": Language("a language in Bengali script", frozenset({"bn", "as"})),
}


def guess_language(texts: Sequence[str]) -> Language | None:
    """Guess the language that most of the texts are in; None where too little is known of it.

    The commonest script of the letters decides; in Latin script, the function words of seven languages.

    >>> guess_language(["Der Zug ist nicht pünktlich, und die Heizung ist auf dem Weg von Bonn ausgefallen."] * 3).name
    'German'
    >>> guess_language(["Поезд снова опоздал на полчаса, и отопление не работало."]).codes >= {"ru", "uk"}
    True
    >>> guess_language(["A7-B 99 XK"]) is None
    True
    """
    samples = [text[:_N_CHARACTERS] for text in texts]
    scripts = Counter(_script(letter) for text in samples for letter in text if letter.isalpha())
    if scripts.total() < _FEWEST_LETTERS:
        return None
    script = scripts.most_common(1)[0][0]
    if script == "CJK" and scripts["KANA"] > _KANA * scripts["CJK"]:
        script = "KANA"
    return _by_words(samples) if script == "LATIN" else _SCRIPTS.get(script)


def _by_words(texts: Sequence[str]) -> Language | None:
    counts = Counter(word for text in texts for word in _WORD.findall(text.lower()))
    hits = sorted(
        ((sum(counts[word] for word in words), language.name) for language, words in _WORDS.items()), reverse=True
    )
    (best, name), (second, _) = hits[:2]
    if best < max(_FEWEST_FUNCTION_WORDS, _SHARE * counts.total(), _LEAD * second):
        return None
    return next(language for language in _WORDS if language.name == name)


def _script(letter: str) -> str:
    """Name the script of a letter with the first word of its Unicode name; both kana are one."""
    if letter.isascii():
        return "LATIN"
    name = unicodedata.name(letter, "").partition(" ")[0]
    return "KANA" if name.startswith(("HIRAGANA", "KATAKANA")) else name
