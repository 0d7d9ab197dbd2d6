"""The official rule once more, slowly and in plain Python, written from the rule's text and nothing else.

BASELINES.md section 2, points 2 to 4. Nothing of evaluator/ is used here: the two are held against each other.
"""

from __future__ import annotations

from collections.abc import Sequence

WIDTH, HEIGHT = 256, 128

Rows = Sequence[Sequence[int]]


def at_score_size(labels: Rows) -> list[list[int]]:
    """Nearest neighbour as PIL does it: source index floor((i + 0.5) * scale)."""
    height, width = len(labels), len(labels[0])
    if (width, height) == (WIDTH, HEIGHT):
        return [list(row) for row in labels]
    columns = [int((x + 0.5) * width / WIDTH) for x in range(WIDTH)]
    rows = [int((y + 0.5) * height / HEIGHT) for y in range(HEIGHT)]
    return [[labels[y][x] for x in columns] for y in rows]


def confusion(truth: Rows, prediction: Rows) -> list[list[int]]:
    """M[truth][prediction] over 8 x 8; 255 and everything above 7 counts as 7."""
    matrix = [[0] * 8 for _ in range(8)]
    for truth_row, prediction_row in zip(truth, prediction, strict=True):
        for wanted, found in zip(truth_row, prediction_row, strict=True):
            wanted = 7 if wanted == 255 or wanted > 7 else wanted
            found = 7 if found == 255 or found > 7 else found
            matrix[wanted][found] += 1
    return matrix


def total(matrices: Sequence[Sequence[Sequence[int]]]) -> list[list[int]]:
    return [[sum(m[row][column] for m in matrices) for column in range(8)] for row in range(8)]


def ious(matrix: Sequence[Sequence[int]]) -> list[float]:
    """IoU of the seven classes; NaN for an empty one."""
    found = []
    for label in range(7):
        hits = matrix[label][label]
        missed = sum(matrix[label]) - hits
        claimed = sum(matrix[row][label] for row in range(7) if row != label)
        union = hits + claimed + missed
        found.append(hits / union if union else float("nan"))
    return found


def miou(matrix: Sequence[Sequence[int]]) -> float:
    return sum(ious(matrix)) / 7
