"""The contests: our copy beside what a user would pick instead, and beside the least that it could cost."""

from dev.bench import servers
from dev.bench.goals import MB, Figure, Goal, Say
from dev.bench.runs import FLOOR, OURS, Bench, Contest, Proof, Results

ROUNDS = 5
SAMPLE, WIDE = "SDK sample", "obstore 32 ranges"
SINGLE = ("SDK stream", "rclone copyurl", "azcopy pipe", "adlfs", "smart_open", "obstore stream")  # one connection
QUICK_PEERS = (SAMPLE, "rclone copyurl", WIDE)
HASHING = ("SDK stream", "rclone copyurl", "azcopy pipe", "obstore stream", "obstore ranges", WIDE)


def throttled(say: Say, *, quick: bool) -> Figure:
    """Measure at 40 ms to the first byte and 12 MB/s for each connection: what ACS is taken to be like."""
    length, short, rounds = (8 * MB, 8 * MB, 1) if quick else (256 * MB, 64 * MB, ROUNDS)
    floor = {"connections": 32, "block_bytes": 2 << 20}
    with servers.certificate() as tls, servers.throttled(tls) as (source, sink):
        bench = Bench(tls, source, sink)
        plain = Contest(bench, Results(length), Proof.NONE, say).run((OURS, SAMPLE), rounds)
        hashed = Contest(bench, Results(length), Proof.DIGEST, say, floor).run(
            (OURS, FLOOR, WIDE, "obstore ranges"), rounds
        )
        single = Contest(bench, Results(short), Proof.NONE, say).run(() if quick else SINGLE, rounds)
    return Figure(
        [
            Goal("throttled source: this app, with proof on the way / SDK sample", 16, 19, plain.ratio(OURS, SAMPLE)),
            Goal("throttled source: this app / obstore, 32 ranges with SHA-256", 0.85, 1.0, hashed.ratio(OURS, WIDE)),
            Goal("throttled source: CPU seconds for a GB", 4.5, 4.0, hashed.cpu_per_gb(OURS), "s", at_most=True),
        ],
        {"without proof": plain.as_json(), "with digest": hashed.as_json(), "one connection": single.as_json()},
    )


def fast(say: Say, *, quick: bool) -> Figure:
    """Measure as fast as this machine allows, over TLS on both sides: a contest for the CPU."""
    length, rounds = (16 * MB, 1) if quick else (1 << 30, ROUNDS)
    everybody = QUICK_PEERS if quick else (SAMPLE, *SINGLE, "obstore ranges", WIDE)
    hashing = QUICK_PEERS if quick else HASHING
    with servers.certificate() as tls, servers.nginx(tls, (length,)) as server:
        bench = Bench(tls, server, server)
        plain = Contest(bench, Results(length), Proof.NONE, say).run((OURS, *everybody), rounds)
        hashed = Contest(bench, Results(length), Proof.DIGEST, say).run((OURS, FLOOR, *hashing), rounds)
        proved = Contest(bench, Results(length), Proof.FULL, say).run((OURS, FLOOR, *hashing), rounds)
    best, best_proved = hashed.best(), proved.best()
    return Figure(
        [
            Goal(
                "fast, the source's digest on both sides: this app / best peer",
                1.05,
                1.2,
                hashed.ratio(OURS, best),
                note=best,
            ),
            Goal(
                "fast, digest and full read-back on both sides: this app / best peer",
                1.1,
                1.2,
                proved.ratio(OURS, best_proved),
                note=best_proved,
            ),
            Goal("fast: share of the native floor, copy", 0.75, 0.85, hashed.ratio(OURS, FLOOR)),
            Goal("fast: share of the native floor, with proof", 0.75, 0.85, proved.ratio(OURS, FLOOR)),
            Goal(
                "fast: this app with proof on the way / rclone with none", 0.7, 0.8, plain.ratio(OURS, "rclone copyurl")
            ),
            Goal("fast: CPU seconds for a GB, copy", 2.6, 2.3, hashed.cpu_per_gb(OURS), "s", at_most=True),
            Goal("fast: CPU seconds for a GB, with read-back", 4.3, 3.8, proved.cpu_per_gb(OURS), "s", at_most=True),
        ],
        {"without proof": plain.as_json(), "with digest": hashed.as_json(), "with proof": proved.as_json()},
    )


def content_kinds(say: Say, *, quick: bool) -> Figure:
    """Return the same copy of a WAV, an MP3 and an MP4 file, and of a WAV file with SHA-512 beside SHA-256."""
    length, rounds = (16 * MB, 1) if quick else (256 * MB, ROUNDS)
    results = Results(length)
    with servers.certificate() as tls, servers.nginx(tls, (length,), ("wav", "mp3", "mp4")) as server:
        bench = Bench(tls, server, server)
        for _ in range(rounds):
            for kind in ("wav", "mp3", "mp4"):
                say(kind)
                results.runs[kind].append(bench.ours(length, f"--kind={kind}"))
            say("SHA-512")
            results.runs["wav with SHA-512"].append(bench.ours(length, COPY_SHA512="true"))
    cpu = {kind: results.cpu_per_gb(kind) or 0.0 for kind in results.runs}
    more = cpu["wav with SHA-512"] - cpu["wav"]
    return Figure(
        [
            Goal("MP3: CPU seconds for a GB / WAV's", 1.2, 1.05, cpu["mp3"] / cpu["wav"], at_most=True),
            Goal("MP4: CPU seconds for a GB / WAV's", 1.2, 1.05, cpu["mp4"] / cpu["wav"], at_most=True),
            Goal("SHA-512 beside SHA-256: more CPU seconds for a GB", 1.5, None, more, "s", at_most=True),
        ],
        results.as_json(),
    )
