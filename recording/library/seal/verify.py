"""Verify the seal from files alone: a copy of the log, of the archive, of both, or an export (I13).

Neither Azure nor the catalog is asked. docs/seal.md shows a third party how to do the same with `openssl` and
`sha256sum`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from recording.library.seal.verdict import Files, ProblemKind, Verdict, keys_of
from recording.library.seal.verify_end import check_age, check_witnesses
from recording.library.seal.verify_files import verify_files
from recording.library.seal.verify_log import verify_log


def verify(
    files: Files,
    given: Sequence[bytes] = (),
    *,
    whole: bool = False,
    with_media: bool = True,
    witnesses: Sequence[bytes] = (),
    copied_at: datetime | None = None,
) -> Verdict:
    """Verify whatever of the seal is among the files.

    Args:
        files: a log, an archive, both, or an export.
        given: public keys in PEM, from a source that is trusted more than the files are.
        whole: the files are all that there is, so that every leaf must be explained by one of them.
        with_media: media must be there too, as its receipt says.
        witnesses: checkpoints that were kept elsewhere, or documents and lines that name some; the log must have them.
        copied_at: when the copy was made; a log that ends long before that was cut, or sealing had stopped.

    Raises:
        ValueError: a given key is not a public key on P-256, or a witness names no checkpoint.
    """
    verdict, keys, names = Verdict(), keys_of(files, given), files.names()
    log = verify_log(files, names, keys, verdict)
    verify_files(files, names, log, keys, verdict, with_media=with_media)
    check_witnesses(witnesses, log, verdict)
    check_age(copied_at, verdict)
    if whole and log is not None:
        _check_all_explained(log.unexplained(), log.prefix, verdict)
    verdict.problems.sort()
    return verdict


def _check_all_explained(unexplained: Mapping[int, str], prefix: str, verdict: Verdict) -> None:
    for leaf, kind in unexplained.items():
        verdict.report(ProblemKind.LEAF_WITHOUT_FILE, f"{prefix}leaf {leaf}", kind)
