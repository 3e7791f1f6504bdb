"""Planted answers to the exercises of notebook 05."""


def first_below(rows, levels):
    reached = rows[127.5 * rows["mean_change"] < levels]
    return int(reached["iteration"].iloc[0]) if len(reached) else None


def in_a_loop(rows, levels):
    for step, change in zip(rows["iteration"], rows["mean_change"], strict=True):
        if change * 255 / 2 < levels:
            return step
    return None


def reading(factor=127.5, which=0, column="iteration"):
    def function(rows, levels):
        reached = rows[factor * rows["mean_change"] < levels]
        return reached[column].iloc[which]

    return function


def by_index(rows, levels):
    return rows.index[127.5 * rows["mean_change"] < levels][0]


def at_most(rows, levels):
    reached = rows[127.5 * rows["mean_change"] <= levels]
    return int(reached["iteration"].iloc[0]) if len(reached) else None


def never_none(rows, levels):
    return first_below(rows, levels) or 0


RIGHT = {
    "05.1": [(lambda turns: "RRRRRD" * turns,), (lambda n: "".join(["R" * 5 + "D"] * n),)],
    "05.2": [(first_below,), (in_a_loop,)],
    "05.3": [("B",), (" b",)],
}
WRONG = {
    "05.1": [
        ((lambda turns: "R" * 5 * turns + "D" * turns,), "paper's order"),
        ((lambda turns: "DRRRRR" * turns,), "begins"),
        ((lambda turns: "RD" * turns,), "by the table"),
        ((lambda turns: ["R"] * 5 + ["D"],), "Return text"),
        ((lambda turns: "RRRRRD",), "by the table"),
        ((lambda turns: "rrrrrd" * turns,), "letters R and D"),
    ],
    "05.2": [
        ((reading(factor=255),), "255 levels"),
        ((reading(factor=1),), "unit"),
        ((reading(which=-1),), "last step"),
        ((by_index,), "index"),
        ((never_none,), "return None"),
        ((at_most,), "below 0"),
        (
            (lambda rows, levels: rows[127.5 * rows["mean_change"] < levels]["iteration"],),
            "one step",
        ),
    ],
    "05.3": [
        (("A",), "sure of every patch"),
        (("C",), "one term"),
        (("D",), "50%"),
        ((1.386,), "one letter"),
    ],
}
