"""What the rule about logs must find (ruleid) and must leave alone (ok)."""

import logging

from recording.domain.ids import mark_of
from recording.errors import SourceBusyError
from recording.telemetry import Event, emit

_LOG = logging.getLogger("recording")


def locations(task, checked):
    # ruleid: secret-in-a-log
    _LOG.info("copying %s", task.content_location)
    # ruleid: secret-in-a-log
    logging.warning(f"deleting {task.delete_location}")
    # ruleid: secret-in-a-log
    emit(Event.CHUNK_COPIED, detail=task.content_location)
    # ruleid: secret-in-a-log
    print(checked.url)


def headers(response, log):
    sent = response.headers
    # ruleid: secret-in-a-log
    log.error("refused", extra={"headers": sent})


def a_parameter(location: str):
    # ruleid: secret-in-a-log
    raise SourceBusyError(f"cannot reach {location}")


def a_secret(setting):
    key = setting.get_secret_value()
    # ruleid: secret-in-a-log
    _LOG.debug("key %s", key)


def facts(task, response, location: str):
    # ok: secret-in-a-log
    emit(Event.CHUNK_COPIED, document_id=task.document_id, detail=mark_of(task.content_location))
    # ok: secret-in-a-log
    _LOG.info("status %s, %s headers", response.status, len(response.headers))
    # ok: secret-in-a-log
    raise SourceBusyError(f"the source cannot be reached ({type(location).__name__})")
