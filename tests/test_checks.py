from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from simgan_exercises.n11 import patient
from simgan_lib.checks import diagnose, trouble, vital_signs
from simgan_lib.config import preset
from simgan_lib.runs import RunError, reference_run

LN2 = np.log(2)
# A game in balance: D slightly ahead, R repaints a little, self-regularisation has its say.
HEALTHY = {
    "discriminator_loss": 1.2,
    "adversarial_loss": 0.9,
    "refiner_loss": 1.2,
    "mean_change": 0.3,
}


def log(rows=6, **changes):
    rounds = [{"phase": "adversarial", "iteration": 10 * (n + 1), **HEALTHY} for n in range(rows)]
    return pd.DataFrame(rounds).assign(**changes)


def test_vital_signs_of_a_guessing_discriminator():
    signs = vital_signs(log(discriminator_loss=2 * LN2, adversarial_loss=LN2, refiner_loss=2 * LN2))
    assert signs["lead"] == pytest.approx(0.5)
    assert signs["fooled"] == pytest.approx(0.5)
    assert signs["held_back"] == pytest.approx(0.5)


def test_only_the_later_half_of_the_rounds_counts():
    metrics = log(4, mean_change=[9.0, 9.0, 0.2, 0.3])
    assert vital_signs(metrics)["change"] == pytest.approx(0.25)


def test_pretraining_does_not_count():
    before = log(5).assign(phase="pretrain_refiner", mean_change=5.0)
    both = pd.concat([before, log()])
    assert vital_signs(both) == vital_signs(log())
    assert diagnose(before) == ["too early to tell"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "healthy"),
        ({"discriminator_loss": 0.2, "adversarial_loss": 0.02}, "wrong label"),
        ({"discriminator_loss": 0.01, "adversarial_loss": 9, "mean_change": 0.8}, "learning_rate"),
        ({"discriminator_loss": 0.2, "adversarial_loss": 3, "refiner_loss": 6}, "lambda_mean"),
        ({"discriminator_loss": 0.1, "adversarial_loss": 5, "refiner_loss": 5.1}, "updates"),
        ({"mean_change": 0.6}, "labels"),
        ({"refiner_loss": 0.88}, "labels"),
        (dict.fromkeys(HEALTHY, np.nan), "finite"),
        ({"mean_change": [0.3] * 5 + [np.nan]}, "finite"),
        ({"discriminator_loss": np.nan}, "no verdict"),
        ({"discriminator_loss": -3.0}, "no verdict"),  # a critic's
    ],
)
def test_each_failure_gets_its_own_name(changes, expected):
    (finding,) = diagnose(log(**changes))
    assert expected in finding


def test_a_method_that_logs_other_numbers_gets_no_verdict():
    for names in (["mean_change"], list(HEALTHY)):
        (finding,) = diagnose(log().drop(columns=names))
        assert finding.startswith("no verdict")


def diagnosis_of(name):
    try:
        return diagnose(reference_run(name).metrics)[0]
    except RunError as missing:
        pytest.skip(str(missing))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("collapse", "paints"),
        ("lambda_too_large", "held back"),
        ("discriminator_too_strong", "too strong"),
        ("wrong_sign", "wrong label"),
        ("lambda_too_small", "labels"),
        ("no_history", "healthy"),
    ],
)
def test_the_recorded_failures_are_named(name, expected):
    """The thresholds were read off these runs."""
    assert expected in diagnosis_of(f"failures/{name}/seed0")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ablation/baseline/seed0", "healthy"),
        ("ablation/k_d_1/seed0", "healthy"),
        ("ablation/k_d_10/seed0", "healthy"),
        ("ablation/lambda_100/seed0", "held back"),
        ("ablation/lambda_0.01/seed0", "labels"),
    ],
)
def test_the_ablations_runs_are_judged_rightly(name, expected):
    """Two thresholds were moved for these."""
    assert expected in diagnosis_of(name)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("best", "healthy"),
        ("closest", "healthy"),
        *((f"quick/baseline/seed{seed}", "healthy") for seed in range(3)),
        ("report-schedule", "labels"),
    ],
)
def test_the_rules_hold_for_runs_that_they_were_not_made_for(name, expected):
    assert expected in diagnosis_of(name)


HELD_OUT = Path(__file__).parent / "metrics"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("healthy", "healthy"),
        ("wrong_sign", "wrong label"),
        ("collapse", "paints"),
        ("too_strong", "too strong"),
        ("lambda_50", "held back"),
        ("lambda_0.05", "labels"),
    ],
)
def test_the_rules_hold_for_short_trainings_with_another_seed(name, expected):
    """100 rounds of what the notebooks train, seed 11, trained for this test alone."""
    (finding,) = diagnose(pd.read_csv(HELD_OUT / f"{name}.csv"))
    assert expected in finding


@pytest.mark.parametrize("seed", range(3))
def test_a_healthy_training_is_never_warned_of(seed):
    """A training asks at every row of metrics."""
    metrics = reference_run(f"quick/baseline/seed{seed}").metrics
    assert [trouble(metrics[: n + 1]) for n in range(len(metrics))] == [None] * len(metrics)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("wrong_sign", "wrong label"),
        ("collapse", "paints"),
        ("too_strong", "too strong"),
        ("lambda_50", "held back"),
        ("lambda_0.05", "labels"),
    ],
)
def test_trouble_is_seen_while_it_happens(name, expected):
    metrics = pd.read_csv(HELD_OUT / f"{name}.csv")
    assert trouble(metrics[metrics["phase"] != "adversarial"]) is None
    assert expected in trouble(metrics[:-7]), "over a quarter of the rounds before the end"


def test_a_method_that_logs_other_numbers_is_not_warned_of():
    metrics = pd.read_csv(HELD_OUT / "too_strong.csv")
    assert trouble(metrics.drop(columns="mean_change")) is None
    assert trouble(metrics.assign(discriminator_loss=-3.0)) is None  # a critic's


def test_the_unlisted_patients_of_notebook_11_differ_from_a_healthy_model():
    config = preset("smoke")
    assert patient("H", config).config.discriminator_learning_rate < 1e-5
    ill = patient("G", config)
    assert ill.config == config
    assert ill.as_d_sees_it(np.array([-1.0, 1.0])).tolist() == [0.0, 1.0]
