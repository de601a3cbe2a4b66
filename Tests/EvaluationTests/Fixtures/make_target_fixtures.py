"""Makes the figures of labels and numbers by scikit-learn, for `TargetMetricsTests`. Needs numpy and scikit-learn."""

import json
from pathlib import Path

import numpy
from sklearn.metrics import (
    average_precision_score,
    f1_score,
    mean_absolute_error,
    mean_squared_error,
    precision_score,
    r2_score,
    recall_score,
)

random = numpy.random.default_rng(14)


def labels(count, names, digits, threshold, rare=False):
    """Few digits make many equal probabilities."""
    truth = (random.random((count, names)) < 0.4).astype(int)
    if rare:
        truth[:, 0] = 0
        truth[3, 0] = 1
    scores = numpy.round(0.35 * truth + 0.65 * random.random((count, names)), digits)
    answers = (scores.astype(numpy.float32) >= numpy.float32(threshold)).astype(int)
    options = {"average": None, "zero_division": 0}
    return {
        "threshold": threshold,
        "truth": truth.tolist(),
        "scores": scores.tolist(),
        "averagePrecision": [average_precision_score(truth[:, i], scores[:, i]) for i in range(names)],
        "meanAveragePrecision": average_precision_score(truth, scores, average="macro"),
        "precision": precision_score(truth, answers, **options).tolist(),
        "recall": recall_score(truth, answers, **options).tolist(),
        "f1": f1_score(truth, answers, **options).tolist(),
        "microF1": f1_score(truth, answers, average="micro", zero_division=0),
        "macroF1": f1_score(truth, answers, average="macro", zero_division=0),
    }


def numbers(count, means, noise):
    truth = numpy.stack([random.normal(mean, 2, count) for mean in means], 1).astype(numpy.float32)
    told = (truth + random.normal(0, noise, truth.shape)).astype(numpy.float32)
    wide, answers = truth.astype(float), told.astype(float)
    return {
        "truth": truth.tolist(),
        "answers": told.tolist(),
        "meanAbsoluteError": mean_absolute_error(wide, answers, multioutput="raw_values").tolist(),
        "rootMeanSquaredError": numpy.sqrt(mean_squared_error(wide, answers, multioutput="raw_values")).tolist(),
        "determination": r2_score(wide, answers, multioutput="raw_values").tolist(),
        "meanDetermination": r2_score(wide, answers),
    }


def main():
    result = {
        "labels": [
            labels(40, 4, 6, 0.5),
            labels(60, 3, 1, 0.5),
            labels(30, 5, 2, 0.9, rare=True),
            # Of one label scikit-learn would tell two classes, with it and without.
            labels(25, 2, 3, 0.2),
        ],
        # Far from zero, where a difference of sums would have no digits left.
        "numbers": [numbers(50, [0, 10], 0.5), numbers(30, [10000], 1), numbers(20, [-3, 0, 500], 4)],
    }
    path = Path(__file__).with_name("targets.json")
    path.write_text(json.dumps(result, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
