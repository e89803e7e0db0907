# ruff: noqa: RUF001  (letters of other scripts are the point)
from __future__ import annotations

import pytest

from headstart.data.language import guess_language

TEXTS = {
    "en": "The train was late again, and they have not told us why it is so.",
    "de": "Der Zug war wieder zu spät, und das ist nicht das erste Mal, dass ich auf dem Bahnsteig warte.",
    "fr": "Le train est encore en retard, et je ne sais pas ce qui se passe sur la ligne.",
    "es": "El tren llega tarde otra vez, y no se sabe por qué los viajeros esperan en la estación.",
    "it": "Il treno è di nuovo in ritardo, e non si sa che cosa è successo nella stazione con gli altri.",
    "pt": "O trem está atrasado de novo, e não se sabe por que os passageiros esperam na estação com um aviso.",
    "nl": "De trein is weer te laat, en ik weet niet wat er op het station aan de hand is.",
    "ru": "Поезд снова опоздал, и никто не сказал пассажирам, почему они ждут.",
    "el": "Το τρένο άργησε πάλι και κανείς δεν είπε στους επιβάτες γιατί περιμένουν.",
    "ja": "電車がまた遅れて、乗客は駅で待っています。理由は誰にもわかりません。",
    "zh": "火车又晚点了，没有人告诉站台上的乘客他们为什么要等这么久，也不知道什么时候来。",
    "ko": "기차가 또 늦었고 아무도 승강장의 승객들에게 왜 기다리는지 말하지 않았습니다. 모두 화가 났습니다.",
}


@pytest.mark.parametrize("code", TEXTS)
def test_is_guessed(code):
    assert code in guess_language([TEXTS[code]] * 3).codes


@pytest.mark.parametrize(
    "texts",
    [
        [],
        ["12 34 56"],
        ["ok", "no"],
        ["kiwi apple shelf race advantage head start before given good " * 5],
        [TEXTS["en"], TEXTS["de"], TEXTS["fr"]],
        ["def embed(items, source, keys=None, progress=None): return features[index].values"],
    ],
    ids=["nothing", "numbers", "two words", "no function words", "a mixture", "code"],
)
def test_is_left_open(texts):
    assert guess_language(texts) is None
