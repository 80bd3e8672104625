"""What is free, as machines and containers say it, and what is refused."""

import re
import sys
from pathlib import Path

import psutil
import pytest

from regcore.errors import TooLargeError
from regcore.execution.memory import check_memory, free_memory, in_words, total_memory

linux_only = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="control groups are Linux's")


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_without_control_groups_the_machine_counts(tmp_path):
    assert total_memory(tmp_path) == psutil.virtual_memory().total
    assert 0 < free_memory(tmp_path) <= psutil.virtual_memory().total


@linux_only
def test_the_tightest_group_counts(tmp_path):
    write(
        tmp_path,
        {
            "proc/self/cgroup": "0::/app/worker\n",
            "sys/fs/cgroup/app/memory.max": "9000\n",
            "sys/fs/cgroup/app/memory.current": "5000\n",
            "sys/fs/cgroup/app/memory.stat": "anon 3000\ninactive_file 1500\n",
            "sys/fs/cgroup/app/worker/memory.max": "max\n",
        },
    )
    assert total_memory(tmp_path) == 9000
    assert free_memory(tmp_path) == 9000 - (5000 - 1500)


@linux_only
def test_in_a_container_the_top_folder_is_the_own_group(tmp_path):
    write(
        tmp_path,
        {
            "proc/self/cgroup": "0::/docker/0123\n",
            "sys/fs/cgroup/memory.max": "8000\n",
            "sys/fs/cgroup/memory.current": "1000\n",
        },
    )
    assert total_memory(tmp_path) == 8000
    assert free_memory(tmp_path) == 7000


@linux_only
def test_the_first_version_of_control_groups_is_read(tmp_path):
    write(
        tmp_path,
        {
            "proc/self/cgroup": "5:cpu,cpuacct:/a\n4:memory:/a\n",
            "sys/fs/cgroup/memory/a/memory.limit_in_bytes": "6000\n",
            "sys/fs/cgroup/memory/a/memory.usage_in_bytes": "7000\n",
            "sys/fs/cgroup/memory/a/memory.stat": "total_inactive_file 500\n",
        },
    )
    assert total_memory(tmp_path) == 6000
    assert free_memory(tmp_path) == 0


def test_what_fits_is_not_refused():
    check_memory(needed=100, free=100, n_networks=8, needed_by_one=20)


@pytest.mark.parametrize(
    ("needed", "free", "n_networks", "needed_by_one", "sentence"),
    [
        (
            5 * 2**30, 2**30, 40, 2**27,
            "training 40 networks would need 5.0 GB of memory, and 1.0 GB can be had: "
            "lower seeds or members: about 8 would fit.",
        ),
        (
            3 * 2**30, 2**30, 1, 3 * 2**30,
            "training this network would need 3.0 GB of memory, and 1.0 GB can be had: "
            "lower n_train, batch_size or the widths in hidden.",
        ),
        (
            80 * 2**30, -5, 8, 10 * 2**30,
            "training 8 networks would need 80 GB of memory, and 0 bytes can be had: "
            "lower n_train, batch_size or the widths in hidden.",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_in_a_sentence(needed, free, n_networks, needed_by_one, sentence):
    with pytest.raises(TooLargeError, match=f"^{re.escape(sentence)}$"):
        check_memory(needed, free, n_networks, needed_by_one)


@pytest.mark.parametrize(
    ("n_bytes", "words"),
    [
        (0, "0 bytes"),
        (1023, "1023 bytes"),
        (1024, "1.0 KB"),
        (310 * 2**20, "310 MB"),
        (int(4.25 * 2**30), "4.2 GB"),
    ],
)
def test_bytes_are_put_in_words(n_bytes, words):
    assert in_words(n_bytes) == words
