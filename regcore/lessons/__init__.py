"""Lessons: settings that are known to be good or bad, by the page that teaches them.

Each file has the lessons of one page, and `trained`, what that page trains for a configuration. What a lesson
claims is measured by `regcore.bench effects` on seeds that were not used to choose its settings.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from regcore.config import Config
from regcore.lessons import ablation, augmentation, dropout, early_stopping, ensembles, l2, lab, overfit_first
from regcore.lessons.lesson import (
    BASELINE,
    THIS_RUN,
    Effect,
    Kind,
    Lesson,
    beside_baseline,
    lesson_of,
    named,
)

__all__ = [
    "BASELINE",
    "LESSONS",
    "ON_ARRIVAL",
    "THIS_RUN",
    "Effect",
    "Kind",
    "Lesson",
    "beside_baseline",
    "lesson_of",
    "named",
]

LESSONS: Mapping[str, tuple[Lesson, ...]] = MappingProxyType(
    {
        "Lab": lab.LESSONS,
        "Overfit first": overfit_first.LESSONS,
        "Augmentation": augmentation.LESSONS,
        "L2": l2.LESSONS,
        "Early stopping": early_stopping.LESSONS,
        "Dropout": dropout.LESSONS,
        "Ensembles": ensembles.LESSONS,
        "Ablation": ablation.LESSONS,
    }
)
"""All lessons, by the page that teaches them; a page begins with its first one."""

ON_ARRIVAL: Mapping[str, Callable[[Config], dict[str, Config]]] = MappingProxyType(
    {
        "Lab": lab.trained,
        "Overfit first": overfit_first.trained,
        "Augmentation": augmentation.trained,
        "L2": l2.trained,
        "Early stopping": early_stopping.trained,
        "Dropout": dropout.trained,
        "Ensembles": ensembles.trained,
        "Ablation": ablation.trained,
    }
)
"""What each page trains for a configuration."""
