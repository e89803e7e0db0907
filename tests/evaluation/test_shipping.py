"""What ships is decided by the expected gain; the verdict has no say in it but for those who prefer the smaller model."""

import numpy as np
import pytest

from headstart.core.errors import OptionError
from headstart.core.report import Score
from headstart.evaluation.shipping import IN_CONTEXT, GainPrior, Shipping, decide, gain_prior
from headstart.evaluation.verdict import Judgement

PRIOR = GainPrior(mean=0.03, deviation=0.05)


def decision(value, half, *, verdict="no significant gain", prior=PRIOR, unit="fraction", **settings):
    gain = Score(name="gain in accuracy", value=value, low=value - half, high=value + half, unit=unit, n=100)
    judgement = Judgement(verdict=verdict, sentence="", baseline="tfidf", gain=gain)
    shipping = Shipping(prefer=settings.pop("prefer", "accuracy"), worth=settings.pop("worth", 0.005))
    return decide(judgement, gain, shipping=shipping, prior=prior, rival="TF-IDF", **settings)


def test_a_likely_gain_ships_though_its_interval_holds_zero():
    found = decision(0.03, 0.05)
    assert found.ships_transfer
    assert "all the same" in found.sentence


def test_a_likely_loss_does_not():
    found = decision(-0.08, 0.03)
    assert not found.ships_transfer
    assert "to lose" in found.sentence
    assert "TF-IDF is packed instead" in found.sentence


def test_a_gain_below_its_price_does_not():
    assert decision(0.004, 0.001, worth=0.0).ships_transfer
    assert not decision(0.004, 0.001, worth=0.01).ships_transfer


def test_those_who_prefer_small_ask_for_proof():
    assert not decision(0.03, 0.05, prefer="small").ships_transfer
    assert decision(0.06, 0.05, prefer="small", verdict="transfer helps").ships_transfer


def test_what_knows_nothing_does_not_ship():
    assert not decision(0.03, 0.05, beats_controls=False).ships_transfer
    assert not decision(0.03, 0.05, has_transfer=False).ships_transfer


def test_without_a_rival_the_model_ships():
    judgement = Judgement(verdict="not proven", sentence="", baseline=None, gain=None)
    assert decide(judgement, None, shipping=Shipping(), prior=PRIOR, rival="").ships_transfer


def test_another_unit_has_no_prior():
    assert not decision(-1.0, 5.0, unit="target").ships_transfer
    assert decision(1.0, 5.0, unit="target").ships_transfer


def test_what_ships_and_why_is_one_sentence():
    gain = Score(name="gain in accuracy", value=0.05, low=0.02, high=0.08, n=100)
    helps = Judgement(
        verdict="transfer helps", sentence="Transfer helps: 5.0 points better than TF-IDF.", baseline="tfidf", gain=gain
    )
    shipped = decide(helps, gain, shipping=Shipping(), prior=PRIOR, rival="TF-IDF")
    assert shipped.ships(helps) == "The model is packed: 5.0 points better than TF-IDF."
    assert decision(-0.08, 0.03).ships(helps).startswith("TF-IDF is packed: ")


def test_an_unknown_preference_is_named():
    with pytest.raises(OptionError, match="accuracy"):
        Shipping(prefer="best")


def test_noise_is_shrunk_towards_earlier_gains():
    exact = Score(name="gain", value=-0.2, low=-0.2001, high=-0.1999, unit="fraction", n=10)
    vague = Score(name="gain", value=-0.2, low=-5.2, high=4.8, unit="fraction", n=10)
    assert PRIOR.expected(exact) == pytest.approx(-0.2, abs=1e-3)
    assert PRIOR.expected(vague) == pytest.approx(0.03, abs=1e-2)


def test_the_table_knows_every_modality():
    for modality in ("text", "image", "anything"):
        for n_items in (0, 20, 10_000):
            assert gain_prior(modality, n_items).deviation > 0


def test_gains_with_texts_and_images_say_nothing_of_tables_read_in_context():
    measured = Score(name="gain", value=0.01, low=-0.04, high=0.06, unit="fraction", n=200)
    assert gain_prior(IN_CONTEXT, 200).expected(measured) < 0.01 < gain_prior("text", 200).expected(measured)


def test_expected_gains_lose_less_than_asking_for_proof():
    """Simulated: true gains as on earlier tasks, measured with noise; the regret of both rules against knowing the truth."""
    rng = np.random.default_rng(0)
    regret = {"accuracy": [], "small": []}
    harmful = 0
    for _ in range(2000):
        truth = rng.normal(PRIOR.mean, PRIOR.deviation)
        measured = rng.normal(truth, 0.03)
        verdict = "transfer helps" if measured > 0.059 else "no significant gain"
        for prefer, found in regret.items():
            ships = decision(measured, 0.0588, verdict=verdict, prefer=prefer).ships_transfer
            found.append(max(truth, 0.0) - truth * ships)
            harmful += prefer == "accuracy" and ships and truth < -0.01
    assert np.mean(regret["accuracy"]) < 0.5 * np.mean(regret["small"])
    assert harmful / 2000 < 0.06
