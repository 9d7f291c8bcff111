"""Runs many of our copies in one process, as the host runs many messages: copy and read-back of each.

    python -m dev.bench.ours_many AT_ONCE LENGTH…

Prints one line of JSON: seconds, CPU seconds, memory above idle, and the seconds of each chunk by its length.
"""

import json
import random
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from dev.bench.ours import prepare, rss_mb, run, work_of


def main(at_once: int, lengths: list[int]) -> None:
    """Copy and prove all of them, so many at once, in an order that mixes the sizes."""
    prepare()
    random.Random(1).shuffle(lengths)
    works = [work_of(length, number=number) for number, length in enumerate(lengths)]
    run(work_of(min(lengths), number=len(lengths)), is_read_back=True)  # what a process does once is not measured
    idle, took = rss_mb("VmRSS"), []

    def one(number: int) -> None:
        begun = time.perf_counter()
        run(works[number], is_read_back=True)
        took.append((lengths[number], time.perf_counter() - begun))

    cpu, begun = time.process_time(), time.perf_counter()
    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(one, range(len(works))))
    found = {"seconds": time.perf_counter() - begun, "cpu": time.process_time() - cpu}
    print(json.dumps({**found, "rss_mb": rss_mb("VmHWM") - idle, "took": took}), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), [int(word) for word in sys.argv[2:]])
