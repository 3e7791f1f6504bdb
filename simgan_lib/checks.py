"""What the curves of a training show: four vital signs, and rules that name what goes wrong."""

import numpy as np
import pandas as pd

GAME = ["discriminator_loss", "adversarial_loss", "refiner_loss", "mean_change"]


def vital_signs(metrics: pd.DataFrame) -> dict[str, float]:
    """Sums up how the game stands over the later half of the rounds in `Run.metrics`.

    Returns:
        `lead`, the probability that D gives to the right answer (geometric mean; 0.5 is a guess);
        `fooled`, the probability that it gives to the class that R aims at; `change`, the mean of
        `|R(x) - x|`; and `held_back`, the share of self-regularisation in R's loss.

    Example:
        >>> guess = {"phase": "adversarial", "discriminator_loss": 1.386, "refiner_loss": 1.0}
        >>> guess |= {"adversarial_loss": 0.693, "mean_change": 0.3}
        >>> {name: round(value, 2) for name, value in vital_signs(pd.DataFrame([guess])).items()}
        {'lead': 0.5, 'fooled': 0.5, 'change': 0.3, 'held_back': 0.31}
    """
    rounds = metrics[metrics["phase"] == "adversarial"]
    mean = rounds.tail(-(-len(rounds) // 2))[GAME].mean(skipna=False)
    return {
        "lead": float(np.exp(-mean["discriminator_loss"] / 2)),
        "fooled": float(np.exp(-mean["adversarial_loss"])),
        "change": float(mean["mean_change"]),
        "held_back": float(1 - mean["adversarial_loss"] / mean["refiner_loss"]),
    }


def why_d_wins(signs: dict[str, float]) -> str:
    """Says why D is sure of its answers, from what `vital_signs` returns."""
    if signs["fooled"] > 0.7:
        return "both players win: R is trained towards the wrong label"
    if signs["change"] > 0.6:
        return "R paints its own pictures and fools nobody: lower refiner_learning_rate"
    if signs["held_back"] > 0.2:
        return "R is held back: lower lambda_mean"
    return "D is too strong: fewer discriminator_updates, or R's learning rate up"


def unreadable(metrics: pd.DataFrame) -> str | None:
    """Says why the rules cannot judge `Run.metrics`; `None` if they can."""
    rounds = metrics[metrics["phase"] == "adversarial"]
    if len(rounds) < 3:
        return "too early to tell"
    absent = [name for name in GAME if name not in rounds]
    absent = absent or [name for name in GAME if rounds[name].isna().all()]
    # All of them NaN is a training that failed; some of them, another method.
    if absent and (len(absent) < len(GAME) or absent[0] not in rounds):
        return f"no verdict: the rules need {', '.join(absent)}"
    if not np.isfinite(list(vital_signs(metrics).values())).all():
        return "the numbers are no longer finite: lower the learning rates"
    if (rounds[GAME[:2]] < 0).any(axis=None):
        return "no verdict: the rules are for cross-entropies, which are never negative"
    return None


def diagnose(metrics: pd.DataFrame) -> list[str]:
    """Says what `Run.metrics` show, finished or still growing, and which setting to change.

    The thresholds are rules of thumb, from the recorded failures in `runs/failures` and the healthy
    runs of `runs/ablation`. They do not see the labels: only an evaluation does.

    Example:
        >>> won = {"phase": "adversarial", "discriminator_loss": 0.1, "refiner_loss": 0.1}
        >>> diagnose(pd.DataFrame([won | {"adversarial_loss": 0.05, "mean_change": 0.1}] * 4))
        ['both players win: R is trained towards the wrong label']
    """
    if reason := unreadable(metrics):
        return [reason]
    signs = vital_signs(metrics)
    if signs["lead"] > 0.85:
        return [why_d_wins(signs)]
    unguarded = signs["held_back"] < 0.05 and signs["change"] > 0.1
    if unguarded or signs["change"] > 0.5:
        return ["R repaints freely: check the labels, and raise lambda_mean"]
    return ["healthy, as far as the curves can tell"]


def trouble(metrics: pd.DataFrame) -> str | None:
    """Returns what `diagnose` finds wrong; `None` if nothing is, or the rules cannot judge."""
    said = diagnose(metrics)[0]
    return None if unreadable(metrics) or said.startswith("healthy") else said
