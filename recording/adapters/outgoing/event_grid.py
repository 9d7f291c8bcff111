"""Fills the port Way with an Event Grid custom topic: CloudEvents 1.0, by identity, through Microsoft's own client."""

from datetime import datetime
from typing import Any

from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import AzureError
from azure.core.messaging import CloudEvent
from azure.eventgrid import EventGridPublisherClient

from recording.adapters.acs.limited_transport import limited_call, limited_transport
from recording.adapters.azure_sdk.clients import CLIENT_OPTIONS, credential
from recording.adapters.azure_sdk.errors import UNREADABLE_ANSWER, has_no_token, status_of
from recording.domain.outgoing.delivery import Result
from recording.domain.outgoing.documents import PROBE_TYPE, SOURCE, cloud_event
from recording.domain.outgoing.endpoints import TOPIC_WAY
from recording.domain.outgoing.events import EventType, OutgoingEvent
from recording.errors.codes import Code
from recording.ports.outgoing import Answer
from recording.settings import Settings

SECONDS = 30.0  # for one event, with the token


class EventGridTopic:
    """A custom topic. Its subscriptions decide who gets which events, so it accepts all of them."""

    name = TOPIC_WAY
    tenant = None  # its subscriptions are the operator's

    def __init__(self, settings: Settings) -> None:
        topic = settings.events_topic
        if topic is None:
            raise ValueError("no topic is set")
        key = topic.key.get_secret_value() if topic.key else None
        identity: Any = AzureKeyCredential(key) if key else credential(topic.client_id)
        self._api = settings.events_api
        self._transport = limited_transport(None)
        self._client = EventGridPublisherClient(
            topic.endpoint,
            identity,
            transport=self._transport,
            retry_total=0,
            **{name: CLIENT_OPTIONS[name] for name in ("connection_timeout", "read_timeout", "use_env_settings")},
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def wants(self, kind: EventType) -> bool:
        """Answer yes, to every type."""
        del kind
        return True

    def send(self, event: OutgoingEvent, now: datetime) -> Answer:
        """Publish one event; return the outcome, also when the topic refuses or does not answer."""
        del now
        document = cloud_event(event, self._api)
        return self._publish(
            CloudEvent(
                source=document["source"],
                type=document["type"],
                id=document["id"],
                subject=document["subject"],
                time=event.at,
                datacontenttype=document["datacontenttype"],
                data=document["data"],
                extensions={"sequence": document["sequence"]},
            )
        )

    def probe(self, now: datetime) -> Answer:
        """Publish a probe event with empty data, which receivers are documented to drop."""
        source = self._api or SOURCE
        return self._publish(CloudEvent(source=source, type=PROBE_TYPE, subject="probe", time=now, data={}))

    def _publish(self, sent: CloudEvent[Any]) -> Answer:
        try:
            with limited_call(SECONDS):
                self._client.send(sent)
        except AzureError as error:
            return Answer(Result.FAILED, _code(error))
        except (*UNREADABLE_ANSWER, OSError):
            return Answer(Result.FAILED, Code.ENDPOINT_UNREACHABLE)
        return Answer(Result.DELIVERED)


def _code(error: AzureError) -> Code:
    status = status_of(error)
    if has_no_token(error) or status in (401, 403):
        return Code.TOPIC_REFUSED
    return Code.ENDPOINT_UNREACHABLE if status is None else Code.ENDPOINT_REFUSED
