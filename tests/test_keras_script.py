"""The Keras script: it runs without this library, is what the lab does, and shows only what is used."""

import json
import os
import re
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from regcore import checklist, early_stopping
from regcore.config import REGULARIZER_FIELDS, Config
from regcore.data import DATASET_INFO, load_dataset
from regcore.data.builtin import _GENERATORS
from regcore.data.catalog import GENERATED, KERAS, SCIKIT_LEARN
from regcore.errors import ConfigError
from regcore.export.keras_notebook import notebook
from regcore.export.keras_script import keras_script, sections
from regcore.lessons.overfit_first import HEALTHY
from regcore.model_summary import summarize_model
from regcore.results import HISTORY_COLUMNS
from tests import engine_runs
from tests.keras_scripts import run_scripts
from tests.test_config import valid_configs

SMALL: dict[str, Any] = {"epochs": 2, "hidden": (12, 8), "n_train": 60, "n_val": 50}
IMAGES: dict[str, Any] = {"shift": 1, "rotate": 10.0, "zoom": 0.1, "flip": True, "cutout": 3}
CASES = {
    "plain binary": Config(**SMALL, data="moons"),
    "article's stopping": Config(
        data="article_binary", hidden=(10,), epochs=6, patience=3, optimizer="sgd", momentum=0.9, seed=7
    ),
    "article's dropout": Config(
        data="article_regression", hidden=(128, 64), epochs=1, dropout_input=0.2, dropout_hidden=0.4
    ),
    "linear ridge": Config(data="diabetes", hidden=(), epochs=2, l2=0.1, weight_decay=0.1, dropout_input=0.1),
    "noisy digits": Config(
        **SMALL, data="digits", label_noise=0.3, dropout_hidden=(0.5, 0.25), patience=1, min_delta=0.5
    ),
    "all on images": Config(
        **SMALL, **IMAGES, data="mnist", label_noise=0.2, jitter=0.1, mixup=0.4, l2=1e-3, weight_decay=0.01,
        max_norm=0.5, dropout_input=0.1, dropout_hidden=0.5, patience=0, min_delta=1e-4, start_from_epoch=1,
        restore_best_weights=False, members=2, bootstrap=True,
    ),
    "plain fashion": Config(data="fashion_mnist", n_train=50, n_val=50, epochs=1, hidden=(4,)),
    "loud jitter": Config(**SMALL, data="sine", jitter=2.0, l2=0.01, activation="tanh", batch_size=100),
    "few rows": Config(
        data="iris", n_train=2, n_val=1, epochs=1, hidden=(4,), patience=2, start_from_epoch=9,
        initializer="negative",
    ),
    "members": Config(**{**SMALL, "epochs": 1}, data="wine", members=2),
    "members' weights": Config(
        **SMALL, data="wine", members=2, member_varies=("init",), dropout_hidden=0.5, initializer="zeros"
    ),
    "members' order": Config(
        **SMALL, data="breast_cancer", members=2, member_varies=("order",), learning_rate=1e-30
    ),
    "members' nothing": Config(
        **SMALL, data="xor", members=2, member_varies=(), dropout_input=0.3, mixup=1.0
    ),
    "decay": Config(**SMALL, data="blobs", optimizer="sgd", learning_rate=0.125, weight_decay=2.0),
}  # fmt: skip
# Further looks at what a script has left behind.
LOOKS = {
    "article's stopping": "print(history.history['val_loss'])",
    "linear ridge": "print(loss - data_loss, L2 * np.sum(model.layers[-1].kernel.numpy() ** 2))",
    "all on images": "print(max(np.linalg.norm(model.layers[i].kernel, axis=0).max() for i in (1, 3)))",
    "noisy digits": "print([layer.rate for layer in model.layers if hasattr(layer, 'rate')])",
    "decay": """
WEIGHT_DECAY_OF_SCRIPT, trained = WEIGHT_DECAY, []
for WEIGHT_DECAY in (WEIGHT_DECAY_OF_SCRIPT, 0.0):
    keras.utils.set_random_seed(0)
    other = build_model()
    before = other.get_weights()
    other.train_on_batch(X_train, y_train)
    trained.append(other.get_weights())
decayed, not_decayed = trained
print([float(np.max(np.abs(b - a - 0.25 * w))) for a, b, w in zip(decayed, not_decayed, before)][::2])
print([float(np.max(np.abs(b - a))) for a, b in zip(decayed, not_decayed)])
""",
    **dict.fromkeys(
        ("members", "members' weights", "members' order", "members' nothing"),
        "print([float(np.abs(a - b).max()) for a, b in zip(*(each.get_weights() for each in models))])",
    ),
}
BAND = Config(
    data="digits", n_train=200, n_val=400, label_noise=0.3, hidden=(64,), dropout_input=0.2,
    dropout_hidden=0.5, epochs=15,
)  # fmt: skip
# Many classes, and two.
CHECKED = {
    "iris": Config(data="iris", epochs=1, hidden=(4,), dropout_hidden=0.5, patience=3),
    "moons": Config(data="moons", epochs=1, hidden=(), label_noise=1.0),
}
OUTCOME = r"(passes|FAILS): (.+), (\d\.\d{3}), asked for (\d\.\d{3}) to (\d\.\d{3})"


def numbers(pattern: str, text: str) -> list[float]:
    """Return the groups of the one line that is like this."""
    (found,) = re.findall(f"^{pattern}$", text, re.MULTILINE)
    return [float(group) for group in ([found] if isinstance(found, str) else found)]


def code_cells(config: Config) -> list[str]:
    cells = json.loads(notebook(config))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def checklist_script(config: Config) -> str:
    """Return a checklist that asks one batch for two updates alone, so that it is soon done."""
    script = keras_script(config, checklist=True)
    assert "EPOCHS_OF_BATCH = 200" in script
    return script.replace("EPOCHS_OF_BATCH = 200", "EPOCHS_OF_BATCH = 2")


@pytest.fixture(scope="module")
def printed(tmp_path_factory) -> dict[str, str]:
    """Return what all scripts print that the tests below ask for."""
    scripts = {name: [keras_script(config), LOOKS.get(name, "")] for name, config in CASES.items()}
    scripts["notebook"] = code_cells(CASES["noisy digits"])
    scripts |= {f"checklist of {data}": [checklist_script(config)] for data, config in CHECKED.items()}
    return run_scripts(scripts, tmp_path_factory.mktemp("scripts"))


# Running


@pytest.mark.parametrize("name", CASES)
def test_a_script_runs_and_prints_its_error(printed, name):
    is_number = DATASET_INFO[CASES[name].data].task == "regression"
    figure = r"^validation MAE: \d+\.?\d*(e\+\d+)?$" if is_number else r"^validation error: \d+\.\d %$"
    assert len(re.findall(figure, printed[name], re.MULTILINE)) == 1


@pytest.mark.parametrize("name", [name for name in CASES if DATASET_INFO[CASES[name].data].source != KERAS])
def test_its_model_has_as_many_parameters_as_the_labs(printed, name):
    layers = summarize_model(CASES[name], load_dataset(CASES[name]))
    assert f"{sum(layer.n_parameters for layer in layers):,} parameters" in printed[name].splitlines()


def test_the_articles_network_has_12545_parameters(printed):
    assert "12,545 parameters" in printed["article's dropout"].splitlines()


@pytest.mark.parametrize("name", CASES)
def test_it_says_after_how_many_epochs_a_network_stopped_where_patience_is_set(printed, name):
    config = CASES[name]
    said = re.findall(r"stopped after \d+ epochs", printed[name])
    assert len(said) == (config.members if config.patience is not None else 0)


def test_it_stops_and_restores_as_the_lab_replays(printed):
    name = "article's stopping"
    curve = json.loads(printed[name].splitlines()[-1])
    replayed = early_stopping.replay(curve, patience=CASES[name].patience)
    expected = [replayed.stopped_epoch or CASES[name].epochs, replayed.restored_epoch]
    assert numbers(r"stopped after (\d+) epochs, kept epoch (\d+)", printed[name]) == expected


def test_a_script_runs_by_itself_as_a_file(tmp_path):
    (tmp_path / "script.py").write_text(keras_script(CASES["article's stopping"]))
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-I", "script.py"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout.count("validation error: ")) == (0, 1), done.stderr[-3000:]


def test_a_notebook_prints_what_the_script_prints(printed):
    assert printed["noisy digits"].startswith(printed["notebook"])
    assert "validation error: " in printed["notebook"]


# The checklist


@pytest.mark.parametrize("data", CHECKED)
def test_a_checklist_runs_and_asks_for_what_the_labs_asks_for(printed, data):
    found = [re.fullmatch(OUTCOME, line).groups() for line in printed[f"checklist of {data}"].splitlines()]

    assert [name for _, name, *_ in found] == [
        f"{checklist.FIRST_LOSS}, from ln C", checklist.ONE_BATCH, checklist.THE_INPUT, checklist.MEMORISED,
        checklist.SHUFFLED, checklist.CHANCE,
    ]  # fmt: skip
    bounds = [(float(low), float(high)) for *_, low, high in found]
    assert [bounds[at][1] for at in (0, 1, 3, 4)] == [
        checklist.INITIAL_BOUND, checklist.BATCH_BOUND, *[checklist.MEMORISED_BOUND] * 2,
    ]  # fmt: skip
    info = DATASET_INFO[data]
    chance = 1 - 1 / info.n_classes
    luck = checklist.STANDARD_ERRORS * np.sqrt(chance * (1 - chance) / info.n_val)
    assert bounds[5] == (pytest.approx(chance - luck, abs=6e-4), 1.0)
    for passes, _, *numbers_of in found:
        value, low, high = map(float, numbers_of)
        assert (passes == "passes") == (low <= value <= high)


def test_a_checklist_has_no_regularizer():
    script = keras_script(CHECKED["iris"], checklist=True)
    assert not any(word in script for word in ("Dropout", "EarlyStopping", "validation_data"))


def test_a_number_has_no_checklist():
    with pytest.raises(ConfigError, match="data must be of classes for this checklist, got 'sine'"):
        keras_script(Config(data="sine"), checklist=True)


@pytest.mark.slow
@pytest.mark.parametrize("data", ["digits", "moons"])
def test_a_healthy_network_passes_the_checklist_in_keras(tmp_path, data):
    said = run_scripts({data: [keras_script(HEALTHY[data], checklist=True)]}, tmp_path)[data]

    assert [line.split(":")[0] for line in said.splitlines()] == ["passes"] * 6


# Doing what the lab does


def test_what_l2_adds_to_keras_val_loss_is_the_sum_of_squares(printed):
    added, penalty = map(float, printed["linear ridge"].splitlines()[-1].split())
    assert penalty > 0.01
    assert added == pytest.approx(penalty, rel=1e-4)


def test_no_hidden_unit_has_weights_beyond_max_norm(printed):
    assert 0.4 < float(printed["all on images"].splitlines()[-1]) <= 0.5 + 1e-6


def test_each_layer_drops_its_own_rate(printed):
    assert printed["noisy digits"].splitlines()[-1] == "[0.5, 0.25]"


def test_weight_decay_takes_rate_times_weight_off_hidden_kernels_and_nothing_off_all_else(printed):
    of_kernels, of_all = map(json.loads, printed["decay"].splitlines()[-2:])
    # Without decay a kernel is larger by 0.125 * 2 times what it was.
    assert of_kernels[:2] == pytest.approx([0, 0], abs=1e-6)
    assert np.greater(of_all, 0).tolist() == [True, False, True, False, False, False]


def test_members_of_which_weights_vary_see_the_same_batches_and_masks(printed):
    # All weights begin at zero here, so nothing else could tell the members apart.
    assert json.loads(printed["members' weights"].splitlines()[-1]) == 6 * [0]


def test_members_of_which_the_order_varies_start_from_the_same_weights(printed):
    # At this learning rate no weight moves beyond 1e-29, which the biases show, that are 0.
    apart = json.loads(printed["members' order"].splitlines()[-1])
    assert apart[::2] == [0, 0, 0]
    assert 0 < max(apart) < 1e-28


def test_members_of_which_nothing_varies_are_the_same(printed):
    assert json.loads(printed["members' nothing"].splitlines()[-1]) == 6 * [0]


def test_members_differ_in_weights_and_order_unless_told_otherwise(printed):
    assert min(json.loads(printed["members"].splitlines()[-1])[::2]) > 0.01


def error(text: str) -> float:
    (percent,) = numbers(r"validation error: ([\d.]+) %", text)
    return percent / 100


def errors_of_the_lab(config: Config, seeds: int) -> np.ndarray:
    """Return the validation error of each of the lab's own repetitions, at the last epoch."""
    config = config.replace(seeds=seeds)
    history = engine_runs.train(engine_runs.replicates(config), load_dataset(config)).history
    return np.asarray(history[:, -1, HISTORY_COLUMNS.index("val_error")])


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"dropout_input": 0.0, "dropout_hidden": 0.0, "mixup": 1.0, "shift": 1},
        {"dropout_input": 0.0, "dropout_hidden": 0.0, "jitter": 0.2, "weight_decay": 0.5, "max_norm": 1.0},
        {"dropout_input": 0.0, "dropout_hidden": 0.0, "rotate": 15.0, "zoom": 0.2, "cutout": 2, "l2": 1e-3},
    ],
)
def test_its_mean_error_over_seeds_is_the_labs(changes, tmp_path):
    config = BAND.replace(n_train=400, epochs=40, **changes)
    seeds = range(100, 112)
    texts = run_scripts({str(seed): [keras_script(config.replace(seed=seed))] for seed in seeds}, tmp_path)
    found, lab = np.array([error(text) for text in texts.values()]), errors_of_the_lab(config, 32)
    off = np.sqrt(found.var(ddof=1) / len(found) + lab.var(ddof=1) / len(lab))
    assert abs(found.mean() - lab.mean()) < 4 * off


# Data, without Keras


def data_half(config: Config, before: str = "Model") -> dict[str, Any]:
    """Return what the script knows before its model, or an earlier section; none of it needs Keras."""
    beginning, *rest = sections(config)
    own: dict[str, Any] = {}
    exec("\n".join(line for line in beginning.code.splitlines() if "keras" not in line), own)
    for section in rest[: [section.title for section in rest].index(before)]:
        exec(section.code, own)
    return own


LOCAL = [name for name, info in DATASET_INFO.items() if info.source != KERAS]


@pytest.mark.parametrize("name", LOCAL)
def test_parts_have_the_sizes_and_classes_of_the_labs(name):
    config = Config(data=name)
    own, split = data_half(config), load_dataset(config).split(0)
    for part in ("train", "val", "test"):
        assert own[f"X_{part}"].shape == getattr(split, f"X_{part}").shape
        # Of article_binary's rows chance decides how many are of a class.
        if DATASET_INFO[name].task != "regression" and name != "article_binary":
            counts, expected = np.bincount(own[f"y_{part}"]), np.bincount(getattr(split, f"y_{part}"))
            assert np.abs(counts - expected).max() <= 1


@pytest.mark.parametrize("name", LOCAL)
def test_scaling_is_fitted_on_the_train_rows(name):
    own = data_half(Config(data=name))
    if DATASET_INFO[name].image_shape:
        assert own["X_train"].max() == 1
    else:
        np.testing.assert_allclose(own["X_train"].mean(axis=0), 0, atol=1e-9)
        np.testing.assert_allclose(own["X_train"].std(axis=0), 1, atol=1e-9)
        assert not np.allclose(own["X_val"].mean(axis=0), 0, atol=1e-3)
    if DATASET_INFO[name].task == "regression":
        assert own["y_train"].mean() == pytest.approx(0, abs=1e-9)
        assert own["y_train"].std() == pytest.approx(1)


@pytest.mark.parametrize("name", [name for name in LOCAL if DATASET_INFO[name].source == SCIKIT_LEARN])
def test_rows_of_the_three_parts_are_different_ones_of_the_data_set(name):
    own, dataset = data_half(Config(data=name), before="Scaling"), load_dataset(Config(data=name))
    known = np.column_stack([dataset.X, dataset.y]).tolist()
    for part in ("train", "val", "test"):
        for row in np.column_stack([own[f"X_{part}"], own[f"y_{part}"]]).tolist():
            # A row that is drawn twice is missed here.
            known.remove(row)


class OneStream:
    """Gives the same numbers for the same shape, whoever asks and however often."""

    def random(self, shape):
        return np.random.Generator(np.random.PCG64(1)).random(shape)

    def standard_normal(self, shape):
        return np.random.Generator(np.random.PCG64(2)).standard_normal(shape)

    def spawn(self, n):
        return [self] * n


@pytest.mark.parametrize("name", [name for name in LOCAL if DATASET_INFO[name].source == GENERATED])
def test_generated_rows_are_those_of_the_labs_formula(name, monkeypatch):
    monkeypatch.setattr(np.random, "default_rng", lambda seed: OneStream())
    beginning, data, *_ = sections(Config(data=name, noise=0.4))
    own: dict[str, Any] = {}
    exec("\n".join(line for line in beginning.code.splitlines() if "keras" not in line), own)
    exec(data.code, own)
    X, y = _GENERATORS[name](own["n_rows"], 0.4, OneStream())
    np.testing.assert_allclose(own["X"], X, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(own["y"], y, rtol=1e-12, atol=1e-12)


def test_label_noise_redraws_its_part_of_train_and_validation_and_nothing_of_the_test():
    config = Config(data="digits")
    clean, noisy = data_half(config), data_half(config.replace(label_noise=0.5))
    assert np.array_equal(clean["y_test"], noisy["y_test"])
    for part in ("y_train", "y_val"):
        # Half of 400 are redrawn, and nine of ten of those end up wrong: 180, standard deviation 4.2.
        assert 160 <= np.sum(clean[part] != noisy[part]) <= 200


# Augmentation, without Keras


def augmentation(config: Config) -> dict[str, Any]:
    """Return what the section about augmentation defines."""
    (section,) = [section for section in sections(config) if section.title == "Augmentation"]
    own: dict[str, Any] = {}
    exec("\n".join(line for line in sections(config)[0].code.splitlines() if "keras" not in line), own)
    own["keras"] = SimpleNamespace(utils=SimpleNamespace(PyDataset=object))
    exec(section.code, own)
    return own


class Extreme:
    """Draws what does most: every image is changed, by the largest angle, zoom and move."""

    def random(self):
        return 0.0

    def uniform(self, low, high):
        return high

    def choice(self, moves):
        return np.array(moves[-1])

    def integers(self, n):
        return n - 1


IMAGE = np.arange(64.0).reshape(8, 8) + 1


def changed(**fields: Any) -> np.ndarray:
    return np.asarray(augmentation(Config(data="digits", **fields))["changed"](IMAGE, Extreme()))


def test_a_shifted_image_is_moved_by_whole_pixels():
    expected = np.zeros((8, 8))
    expected[2:] = IMAGE[:-2]
    assert np.array_equal(changed(shift=2), expected)


def test_a_mirrored_image_is_mirrored_left_to_right():
    assert np.array_equal(changed(flip=True), IMAGE[:, ::-1])


def test_an_image_is_turned_about_its_center():
    np.testing.assert_allclose(changed(rotate=180.0), IMAGE[::-1, ::-1], atol=1e-9)
    np.testing.assert_allclose(changed(rotate=90.0), np.rot90(IMAGE), atol=1e-9)


def test_a_turned_image_is_then_moved():
    turned = np.rot90(IMAGE)
    expected = np.zeros((8, 8))
    expected[1:] = turned[:-1]
    np.testing.assert_allclose(changed(rotate=90.0, shift=1), expected, atol=1e-9)


def test_an_image_is_zoomed_about_its_center():
    zoomed = changed(zoom=0.5)
    # Of a slope, a picture that is half as large again has two thirds of it, and the same middle.
    np.testing.assert_allclose(np.diff(zoomed, axis=1), 1 / 1.5)
    assert zoomed.mean() == pytest.approx(IMAGE.mean())


def test_a_square_is_blanked_and_cut_off_at_the_edge():
    expected = IMAGE.copy()
    expected[6:, 6:] = 0
    assert np.array_equal(changed(cutout=3), expected)
    assert IMAGE.min() == 1


def test_half_of_the_images_keep_their_place():
    own, rng = augmentation(Config(data="digits", shift=1)), np.random.default_rng(0)
    kept = np.mean([np.array_equal(own["changed"](IMAGE, rng), IMAGE) for _ in range(4000)])
    # One of the five moves of at most a pixel is none: 0.6, standard error 0.008.
    assert abs(kept - 0.6) < 0.03


def batches_of(config: Config, X: np.ndarray, y: np.ndarray) -> Any:
    return augmentation(config)["Batches"](X, y, np.random.default_rng(0))


def test_an_epoch_has_every_row_once_and_a_last_partial_batch():
    config = Config(data="sine", jitter=2.0, batch_size=4)
    batches = batches_of(config, np.zeros((10, 1)), np.arange(10))
    epoch = [batches[index] for index in range(len(batches))]
    assert [len(y) for _, y in epoch] == [4, 4, 2]
    assert sorted(np.concatenate([y for _, y in epoch])) == list(range(10))


def test_loud_jitter_has_its_standard_deviation():
    X, _ = batches_of(Config(jitter=2.0, batch_size=4000), np.zeros((4000, 2)), np.zeros(4000))[0]
    assert X.std() == pytest.approx(2, rel=0.05)


def test_mixup_blends_inputs_and_targets_by_the_same_share():
    values = np.arange(50.0)
    X, y = batches_of(Config(mixup=1.0, batch_size=50), values[:, None], values)[0]
    np.testing.assert_allclose(X[:, 0], y)
    assert not np.isin(y, values).all()
    assert values.min() <= y.min() <= y.max() <= values.max()


# Reading


def test_scripts_are_as_ruff_would_have_them(tmp_path):
    for number, config in enumerate(CASES.values()):
        (tmp_path / f"script_{number}.py").write_text(keras_script(config))
    for data, config in HEALTHY.items():
        (tmp_path / f"checklist_of_{data}.py").write_text(keras_script(config, checklist=True))
    ruff = [sys.executable, "-m", "ruff"]
    rules = ["--select", "E,F,I,B,UP,SIM"]
    for command in (["check", "--no-cache", *rules], ["format", "--no-cache", "--check"]):
        done = subprocess.run(
            [*ruff, *command, "--isolated", "."], cwd=tmp_path, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr


# What the code has where a field is used, and nowhere else.
TRACES = {
    "jitter": ({"jitter": 0.1}, "layers.GaussianNoise(JITTER)"),
    "mixup": ({"mixup": 0.4}, "rng.beta(MIXUP, MIXUP)"),
    "shift": ({"shift": 1}, "ndimage.shift"),
    "rotate": ({"rotate": 5.0}, "-ROTATE, ROTATE"),
    "zoom": ({"zoom": 0.1}, "1 - ZOOM, 1 + ZOOM"),
    "flip": ({"flip": True}, "image[:, ::-1]"),
    "cutout": ({"cutout": 2}, "CUTOUT // 2"),
    "l2": ({"l2": 0.01}, "regularizers.L2(L2)"),
    "weight_decay": ({"weight_decay": 0.01}, "AdamW(LEARNING_RATE, weight_decay=WEIGHT_DECAY)"),
    "max_norm": ({"max_norm": 2.0}, "MaxNorm(MAX_NORM, axis=0)"),
    "dropout_input": ({"dropout_input": 0.2}, "layers.Dropout(DROPOUT_INPUT)"),
    "dropout_hidden": ({"dropout_hidden": 0.5}, "layers.Dropout(DROPOUT_HIDDEN)"),
    "patience": ({"patience": 3}, "patience=PATIENCE"),
    "min_delta": ({"patience": 3, "min_delta": 0.1}, "min_delta=MIN_DELTA"),
    "start_from_epoch": ({"patience": 3, "start_from_epoch": 5}, "start_from_epoch=START_FROM_EPOCH"),
    "restore_best_weights": (
        {"patience": 3, "restore_best_weights": False}, "restore_best_weights=False",
    ),
    "members": ({"members": 3}, "for member in range(MEMBERS):"),
    "member_varies": ({"members": 3, "member_varies": ("init",)}, "first_weights"),
    "bootstrap": ({"bootstrap": True}, "X_train[rows]"),
}  # fmt: skip


def test_every_regularizer_has_a_trace():
    assert set(TRACES) == set(REGULARIZER_FIELDS)


@pytest.mark.parametrize("name", TRACES)
def test_a_script_has_what_its_configuration_uses_and_nothing_else(name):
    fields, trace = TRACES[name]
    plain = Config(data="digits")
    assert trace in keras_script(plain.replace(**fields))
    assert trace not in keras_script(plain)


def test_a_plain_script_has_no_regularizer():
    script = keras_script(Config(data="digits"))
    for word in ("Dropout", "EarlyStopping", "regularizer", "constraint", "class ", "member", "noise", "rng"):
        assert word not in script


def test_no_script_knows_this_library():
    assert not any("regcore" in keras_script(config) for config in CASES.values())


@given(valid_configs())
def test_any_configuration_gives_code_or_a_sentence_that_names_a_field(config):
    try:
        script = keras_script(config)
    except ConfigError as error:
        assert str(error).split()[0] in Config.model_fields
        return
    compile(script, "script", "exec")
    assert max(map(len, script.splitlines())) <= 100


# The notebook


@pytest.mark.parametrize("name", CASES)
def test_a_notebook_is_one_of_format_4_5(name):
    content = json.loads(notebook(CASES[name]))
    assert (content["nbformat"], content["nbformat_minor"]) == (4, 5)
    names = [cell["id"] for cell in content["cells"]]
    assert len(set(names)) == len(names)
    for text, code in zip(content["cells"][::2], content["cells"][1::2], strict=True):
        assert (set(text), text["cell_type"]) == ({"cell_type", "id", "metadata", "source"}, "markdown")
        assert (code["cell_type"], code["execution_count"], code["outputs"]) == ("code", None, [])
        assert re.match(r"##? \w", text["source"][0])


def test_a_notebook_is_valid_by_its_schema():
    nbformat = pytest.importorskip("nbformat")
    for config in CASES.values():
        nbformat.validate(nbformat.reads(notebook(config), as_version=4))
