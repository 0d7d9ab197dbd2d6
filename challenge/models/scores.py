"""Scores, and what the board reads of them."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from challenge.models.challenges import Phase
from challenge.models.submissions import Attempt, Submission
from challenge.models.teams import Team


class Score(models.Model):
    """The score of one finished attempt. Written once, in the transaction that publishes it.

    In a phase with a private part all figures but the private ones are over the public images.
    """

    attempt = models.OneToOneField(Attempt, on_delete=models.CASCADE, related_name="score")
    miou = models.FloatField(help_text="Fraction of 1, over seven classes.")
    miou_low = models.FloatField(null=True, help_text="95 % interval, by bootstrap over images.")
    miou_high = models.FloatField(null=True)
    pixel_accuracy = models.FloatField()
    mean_pixel_accuracy = models.FloatField()
    iou = models.JSONField(help_text="By class name.")
    confusion = models.JSONField(help_text="8 x 8 counts, rows truth, columns prediction.")
    latency_median_seconds = models.FloatField(null=True)
    latency_p90_seconds = models.FloatField(null=True)
    cpu_seconds = models.FloatField(null=True)
    memory_peak_bytes = models.PositiveBigIntegerField(null=True)
    per_image = models.BinaryField(
        null=True, help_text="zlib of int32[N, 7, 3]: TP, FP, FN by public image and class, in the data set's order."
    )
    private_miou = models.FloatField(null=True, help_text="Over the private images; secret until the reveal.")
    private = models.JSONField(null=True, help_text="All other figures over the private images; secret likewise.")
    private_per_image = models.BinaryField(null=True, help_text="As per_image, of the private images; secret likewise.")
    created = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{100 * self.miou:.2f} % ({self.attempt})"


class Standing(models.TextChoices):
    """Which of a team's submissions a row of the board is about."""

    BEST = "best", "Best of each team"
    LATEST = "latest", "Latest of each team"
    FINAL = "final", "Final: as chosen, by the private score"


class BoardRow(models.Model):
    """One line of a board: a team's best, latest or final submission in a phase, with the figures to sort by.

    Kept by results.py, in the transactions that change what is ranked; never written by anything else.
    """

    phase = models.ForeignKey(Phase, on_delete=models.CASCADE, related_name="board_rows")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="board_rows")
    standing = models.CharField(max_length=6, choices=Standing.choices, default=Standing.BEST)
    submission = models.ForeignKey(Submission, on_delete=models.CASCADE, related_name="board_rows")
    score = models.ForeignKey(Score, on_delete=models.CASCADE, related_name="board_rows")
    miou = models.FloatField(help_text="What it is ranked by: of the private images in a final standing with a split.")
    achieved = models.DateTimeField()
    latency = models.FloatField(null=True, help_text="Median, in seconds.")
    memory = models.PositiveBigIntegerField(null=True, help_text="Peak, in bytes.")
    cpu_seconds = models.FloatField(null=True)
    size = models.PositiveBigIntegerField(null=True, help_text="Of the unpacked code or image, in bytes.")
    parameters = models.PositiveBigIntegerField(null=True)
    limits_key = models.CharField(max_length=16, blank=True, help_text="Of the limits it ran under.")
    is_baseline = models.BooleanField(default=False)
    # IoU of each class by label value, over the images that it is ranked by; 0 where there is none.
    iou_0 = models.FloatField(default=0)
    iou_1 = models.FloatField(default=0)
    iou_2 = models.FloatField(default=0)
    iou_3 = models.FloatField(default=0)
    iou_4 = models.FloatField(default=0)
    iou_5 = models.FloatField(default=0)
    iou_6 = models.FloatField(default=0)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("phase", "team", "standing"), name="one_board_row_per_standing"),
        )
        indexes = (
            models.Index(fields=("phase", "standing", "-miou", "achieved", "id"), name="board_by_miou"),
            models.Index(fields=("phase", "standing", "latency", "id"), name="board_by_latency"),
            models.Index(fields=("phase", "standing", "memory", "id"), name="board_by_memory"),
            models.Index(fields=("phase", "standing", "cpu_seconds", "id"), name="board_by_cpu"),
            models.Index(fields=("phase", "standing", "size", "id"), name="board_by_size"),
            models.Index(fields=("phase", "standing", "parameters", "id"), name="board_by_parameters"),
            models.Index(fields=("phase", "standing", "achieved", "id"), name="board_by_time"),
            *(
                models.Index(fields=("phase", "standing", f"-iou_{n}", "id"), name=f"board_by_iou_{n}")
                for n in range(7)
            ),
            models.Index(
                fields=("phase", "standing", "-miou", "achieved", "id"),
                condition=models.Q(is_baseline=True),
                name="board_of_baselines",
            ),
        )

    def __str__(self) -> str:
        return f"{self.team}: {100 * self.miou:.2f} %"


class Board(models.Model):
    """What the whole board of a standing comes to, so that a page need not count it. Kept with its rows."""

    phase = models.ForeignKey(Phase, on_delete=models.CASCADE, related_name="boards")
    standing = models.CharField(max_length=6, choices=Standing.choices)
    total = models.PositiveIntegerField(default=0, help_text="Rows.")
    fronts = models.JSONField(
        default=dict, help_text="By axis: [figure, mIoU, id] of the rows that no other beats in both, smallest first."
    )

    class Meta:
        constraints = (models.UniqueConstraint(fields=("phase", "standing"), name="one_board_per_standing"),)

    def __str__(self) -> str:
        return f"{self.phase}, {self.standing}: {self.total} teams"


class Record(models.Model):
    """A score that was the best of its phase when it came: the line of the history chart."""

    phase = models.ForeignKey(Phase, on_delete=models.CASCADE, related_name="records")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="records")
    submission = models.ForeignKey(Submission, on_delete=models.CASCADE, related_name="records")
    miou = models.FloatField()
    achieved = models.DateTimeField()

    class Meta:
        ordering = ("achieved", "id")
        indexes = (models.Index(fields=("phase", "-miou"), name="records_of_phase"),)

    def __str__(self) -> str:
        return f"{100 * self.miou:.2f} % by {self.team}"
