"""The tabs of the bench of many at once: what they do there is done here, alone."""

import threading
import time
from urllib.parse import urlsplit

from regcore.bench import tabs
from regcore.bench.load_lesson import CACHED, LINK, REPLAY, TO_PAGE, UNCACHED, Card
from regcore.bench.load_record import Record


def test_a_tab_does_all_that_a_lesson_has_and_turns_to_another_page_and_back(server):
    record, card = Record(), Card("off", "dropout_input", "0.15")
    lesson = threading.Thread(
        # Playwright has a loop on the thread of the tests already.
        target=tabs.visit,
        args=(urlsplit(server.url).netloc, [[card]], (0.0, 0.1), time.perf_counter() + 240, record),
    )

    lesson.start()
    lesson.join()

    assert not record.faults
    assert [each.kind for each in record.actions] == [
        LINK, UNCACHED, REPLAY, REPLAY, CACHED, TO_PAGE["early_stopping"], TO_PAGE["lab"],
    ]  # fmt: skip
