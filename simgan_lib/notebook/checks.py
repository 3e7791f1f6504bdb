"""What the curves of a training say: its vital signs, and rules that name what goes wrong."""

import numpy as np
import pandas as pd

GAME = ["discriminator_loss", "adversarial_loss", "refiner_loss", "mean_change"]


def vital_signs(metrics: pd.DataFrame) -> dict[str, float]:
    """Sums up how the game stands over the later half of the rounds in `Run.metrics`.

    Returns:
        `lead`, the probability that D gives to the right answer (geometric mean; 0.5 is a guess);
        `fooled`, the one that it gives to R's goal; `change`, mean |R(x) - x|; `held_back`, the
        share of self-regularisation in R's loss; and `wobble`, how far `change` jumps from one
        logged row to the next, as a share of itself.

    Example:
        >>> guess = {"phase": "adversarial", "discriminator_loss": 1.386, "refiner_loss": 1.0}
        >>> guess |= {"adversarial_loss": 0.693, "mean_change": 0.3}
        >>> {name: round(value, 2) for name, value in vital_signs(pd.DataFrame([guess])).items()}
        {'lead': 0.5, 'fooled': 0.5, 'change': 0.3, 'held_back': 0.31, 'wobble': 0.0}
    """
    rounds = metrics[metrics["phase"] == "adversarial"]
    late = rounds.tail(-(-len(rounds) // 2))
    mean = late[GAME].mean()
    jumps = np.diff(late["mean_change"])
    return {
        "lead": float(np.exp(-mean["discriminator_loss"] / 2)),
        "fooled": float(np.exp(-mean["adversarial_loss"])),
        "change": float(mean["mean_change"]),
        "held_back": float(1 - mean["adversarial_loss"] / mean["refiner_loss"]),
        "wobble": float(np.abs(jumps).mean() / mean["mean_change"]) if len(jumps) else 0.0,
    }


def diagnose(metrics: pd.DataFrame) -> list[str]:
    """Names what `Run.metrics` show, finished or still growing, and the setting to look at.

    The rules of thumb were read off the recorded failures in `runs/failures` and off healthy runs,
    whose `wobble` lies near 0.05. They do not see the labels: only an evaluation does.

    Example:
        >>> won = {"phase": "adversarial", "discriminator_loss": 0.1, "refiner_loss": 0.1}
        >>> diagnose(pd.DataFrame([won | {"adversarial_loss": 0.05, "mean_change": 0.1}] * 4))
        ['both players win: R is trained towards the wrong label']
    """
    rounds = metrics[metrics["phase"] == "adversarial"]
    if len(rounds) < 3:
        return ["too early to tell"]
    absent = [name for name in GAME if name not in rounds]
    absent = absent or [name for name in GAME if rounds[name].isna().all()]
    # All of them NaN is a training that failed; some of them, another method.
    if absent and (len(absent) < len(GAME) or absent[0] not in rounds):
        return [f"no verdict: the rules need {', '.join(absent)}"]
    signs = vital_signs(metrics)
    if not np.isfinite(list(signs.values())).all():
        return ["the numbers are no longer finite: lower the learning rates"]
    findings = []
    d_wins = signs["lead"] > 0.7
    if d_wins and signs["fooled"] > 0.7:
        findings.append("both players win: R is trained towards the wrong label")
    elif d_wins and signs["change"] > 0.6:
        findings.append("R paints its own pictures and fools nobody: lower refiner_learning_rate")
    elif d_wins and signs["held_back"] > 0.2:
        findings.append("R is held back: lower lambda_mean")
    elif d_wins:
        findings.append("D is too strong: fewer discriminator_updates, or R's learning rate up")
    elif signs["held_back"] < 0.1 or signs["change"] > 0.5:
        findings.append("R repaints freely: check the labels, and raise lambda_mean")
    if signs["wobble"] > 0.25:
        findings.append("R goes round in circles: raise buffer_size and refiner_averaging")
    return findings or ["healthy, as far as the curves can tell"]
