"""Augmentation: what the network sees, how much data that is worth, and what goes wrong with it."""

from functools import partial

from pages.ui import augmentation_story as story
from pages.ui import frame, runs, take_away, technique
from pages.ui.technique import Pitfall
from regcore.lessons.augmentation import LESSONS, trained

PLACE = "augmentation"
# That of `regcore.lessons.augmentation.MIRRORED`, whatever was on before.
IN_A_MIRROR = (
    "?flip=true&shift=0&jitter=0&mixup=0&rotate=0&zoom=0&cutout=0&label_noise=0&n_train=400&epochs=50"
)

config = technique.open_page(frame.AUGMENTATION, LESSONS[0].config)
technique.idea(
    "Show the network its rows in ever new variations that leave the label as it is: "
    "[moved by a pixel](?shift=1), [a little turned](?rotate=15), [noisy](?jitter=0.2), or "
    "[blended with another](?mixup=1). What it cannot see twice it cannot learn by heart, and it learns "
    "which changes do not matter.",
    r"\begin{gathered}"
    r"\min_w\; \frac1n\sum_{i}\; \mathbb{E}_{T}\,\big[\,\mathrm{loss}(f_w(T(x_i)), y_i)\big]"
    r"\\ \text{mixup: } \tilde x=\lambda x_i+(1-\lambda)x_j, \\ \tilde y=\lambda y_i+(1-\lambda)y_j"
    r"\end{gathered}",
    "T: drawn anew each time a row is seen, in training alone; half of the images stay where they are. "
    "Jitter: Gaussian, σ in units of the scaled input. Mixup: λ from Beta(α, α), one a batch. First pixels "
    "move, then cutout, then jitter, then mixup.",
)
places = technique.places()
with places.left:
    technique.experiments(config, LESSONS)
    story.knobs(config)
with places.answer:
    live = runs.follow(PLACE, trained(config))
technique.show(PLACE, live, places, partial(story.beside, live), story.below)
story.worth(config)
story.leaking(config)
story.ridge()
technique.article(story.says(live, config))
take_away.show(config, take_away.of_page(live, config))
technique.pitfalls(
    (
        Pitfall(
            "A transform that changes the label.",
            f"[Upside down](?rotate=180), a 6 is a 9; [in a mirror]({IN_A_MIRROR}), a 2 may be a 5. "
            "Ask of each: would a person still give this label?",
        ),
        Pitfall(
            "Augmenting before splitting.",
            "Copies of one row on both sides make validation a test of memory. Split first, by whatever "
            "belongs together: patients, scenes, days.",
        ),
        Pitfall(
            "Augmenting validation or test rows.",
            "It measures another question, with noise. Augmenting in training alone is what layers of Keras "
            "such as `RandomRotation` do by themselves: they are off in `evaluate` and `predict`.",
        ),
        Pitfall(
            "Too few epochs.",
            "Variations take longer to learn: [30 epochs](?epochs=30), [100 epochs](?epochs=100). A train "
            "loss that has not come down says so.",
        ),
        Pitfall(
            "Comparing loss with val_loss.",
            "Keras's `loss` is of augmented rows, its `val_loss` of rows as they are, so the first may lie "
            "above the second. Curves here are of rows as they are, on both sides.",
        ),
    )
)
