"""Home: what the lab is, one live comparison on arrival, the story in one scroll, and the way in.

`streamlit run app.py` finds the server in this file, and runs the file again for whoever opens Home.
"""

import streamlit as st

from pages.ui import frame, runs, server, state, story
from regcore.hosting import serving

PLACE, EFFECTS, WANTED = "home", "home.effects", "home.effects.wanted"


def home() -> None:
    """Show Home."""
    frame.begin(frame.HOME)
    state.begin_without_link()
    st.html(story.STYLE)
    st.title("My network overfits. What does each regularizer really buy me?", anchor=False)
    st.markdown(
        "The Regularization Lab answers with **real trainings and error bars**. Every curve is a network "
        "trained on this machine just now. Every comparison is paired: same rows, same first weights, same "
        "order of batches, seed by seed. What the seeds cannot tell apart is called noise."
    )
    story.way_in()

    st.header("Here and now: one network, three times", anchor=False)
    st.markdown(
        "400 small images of digits, and **three labels in ten were drawn at random**. Watch the gap between "
        "train (dotted) and validation (solid): where it opens, the network learns wrong labels by heart."
    )
    live = runs.follow(PLACE, story.configs(story.LESSONS))
    if live:
        with st.container(key="home-answer"):
            runs.show_status(PLACE, live, story.verdict)
        runs.show_results(PLACE, live, story.three_times)

    st.header("The story in one scroll", anchor=False)
    st.markdown("Each link opens the Lab with its knobs set; from there every knob is yours.")
    story.chapters()

    st.header("Which of them helps here?", anchor=False)
    st.markdown(
        "The same network and the same wrong labels, with each regularizer alone. No error can fall far "
        "below 27 %: so many of the validation labels are wrong as well, and nobody can guess them."
    )
    all_of_them = runs.follow(EFFECTS, story.configs(story.EFFECTS)) if state.recall(WANTED) else None
    with st.container(key="home-ranking"):
        if all_of_them:
            runs.show_status(EFFECTS, all_of_them, story.ranking)
        else:
            st.button(
                "Train each of them",
                key="home.effects.train",
                icon=":material/play_arrow:",
                on_click=state.keep,
                args=(WANTED, True),
            )
    if all_of_them:
        runs.show_results(EFFECTS, all_of_them, story.effects)
    else:
        story.no_effects_yet()

    st.header("What others have measured", anchor=False)
    st.markdown(
        "The papers that brought dropout, on the 10,000 test images of MNIST, with 60,000 images to train "
        "on. Levels are not those of this page, which has fewer, smaller images and wrong labels; what can "
        "be compared is which way dropout goes. Papers state the part kept, 0.5 of the hidden units and 0.8 "
        "of the inputs: rates of 0.5 and 0.2 here."
    )
    story.published(live.results() if live and live.is_done else None)

    st.header("What each page answers", anchor=False)
    story.answers()


if __name__ == "__main__":
    home()
else:
    app = st.App(
        __file__,
        lifespan=server.lifespan,
        routes=serving.routes(),
        middleware=serving.middleware(),
        on_script_error=server.log_fault,
    )
