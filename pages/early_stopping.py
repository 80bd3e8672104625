"""Early stopping: each training goes on past its stop, so that the rule can be moved over the recording."""

from functools import partial

from pages.ui import early_stopping_story as story
from pages.ui import frame, runs, take_away, technique
from pages.ui.technique import Pitfall
from regcore.lessons.early_stopping import LESSONS, trained

PLACE = "early_stopping"

config = technique.open_page(frame.EARLY_STOPPING, LESSONS[0].config)
technique.idea(
    "Watch the loss on validation rows, stop when it has not improved for [three](?patience=3), "
    "[ten](?patience=10) or [thirty](?patience=30) epochs, and keep the network of the best one. What most "
    "rows agree on is learned first; single rows, wrong labels among them, are learned by heart later.",
    r"\begin{gathered} \text{stop at the first } t: \; t - t^{*} \ge \text{patience} \\ "
    r"\text{keep the weights of } t^{*} \end{gathered}",
    "t: the epoch, from 1. t*: the last epoch that was better than the t* before it, by more than min_delta. "
    "As `keras.callbacks.EarlyStopping`, tie for tie. Watched is the data loss alone, with dropout off.",
)
places = technique.places()
with places.left:
    technique.experiments(config, LESSONS)
    story.knobs(config)
with places.answer:
    live = runs.follow(PLACE, trained(config))
technique.show(PLACE, live, places, partial(story.beside, live), story.below, story.answer)
story.random_labels(config)
story.filters()
technique.article(story.says(live, config))
technique.prose(
    "With the article's example on the page, take Keras's own [steps of 0.001](?learning_rate=0.001), then "
    "[0.01](?learning_rate=0.01) again: how long to wait depends on how fast the network learns."
)
take_away.show(config, take_away.of_page(live, config))
technique.pitfalls(
    (
        Pitfall(
            "Not restoring.",
            "`restore_best_weights` is off in Keras unless you set it: you keep the epoch in which patience "
            "ran out. Turn it [off](?restore_best_weights=false) and [on](?restore_best_weights=true).",
        ),
        Pitfall(
            "Too little patience.",
            "A bumpy curve, as under [dropout](?dropout_hidden=0.5&dropout_input=0.2&epochs=100), rises for "
            "an epoch and falls again. The map shows what waiting longer would keep.",
        ),
        Pitfall(
            "Reporting the score that chose.",
            "It is the lowest of many. Report another one: rows that had no say, and in the end the test.",
        ),
        Pitfall(
            "Watching the penalty.",
            "With [L2](?l2=0.01), Keras's val_loss contains the penalty, so it may stop elsewhere than the "
            "data loss would: the log says where.",
        ),
        Pitfall(
            "min_delta moves what is kept.",
            "With a [min_delta of 0.02](?min_delta=0.02), the epoch restored is the last one that improved "
            "by so much, which need not be the lowest.",
        ),
        Pitfall("A fit for each epoch.", "Patience then never runs out: run it above."),
    )
)
