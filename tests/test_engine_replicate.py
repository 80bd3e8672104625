"""Which trainings are the same one."""

from regcore.config import Config
from regcore.data import load_dataset
from regcore.engine.replicate import Replicate, replicates_of


def replicate(**fields) -> Replicate:
    config = Config(**{"data": "iris", "n_train": 60, "n_val": 20, "seeds": 1, **fields})
    (made,) = replicates_of(config, load_dataset(config)).values()
    return made


def test_a_batch_beyond_the_rows_is_one_of_all_rows():
    whole = replicate(batch_size=60)

    assert replicate(batch_size=8192).key == whole.key
    assert replicate(batch_size=8192).shape_key == whole.shape_key
    assert replicate(batch_size=8192).config.batch_size == 60


def test_smaller_batches_are_other_trainings():
    assert replicate(batch_size=59).key != replicate(batch_size=60).key
