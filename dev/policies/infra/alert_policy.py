"""What must be true of the rules of the alerts: each is on, reaches people, looks at its place and often enough."""

import re
from collections.abc import Iterator, Mapping

from dev.policies.infra.alarms import INGESTION, alerts_of
from dev.policies.infra.bicep import Declared, Expression, Value, as_dict, as_list, at
from dev.policies.infra.templates import Check, Templates, differs
from dev.policies.markdown import anchors
from dev.policies.repository import DOCS

# Metric, direction, threshold and aggregation of each metric alert, as Azure's reference of metrics names them.
METRICS: Mapping[str, tuple[str, str, int, str]] = {
    "event-dropped": ("DroppedEventCount", "GreaterThan", 0, "Total"),
    "event-dead-lettered": ("DeadLetteredCount", "GreaterThan", 0, "Total"),
    "event-delivery-failing": ("DeliveryAttemptFailCount", "GreaterThan", 4, "Total"),
    "archive-unavailable": ("Availability", "LessThan", 95, "Average"),
    "host-storage-unavailable": ("Availability", "LessThan", 95, "Average"),
    "dead-letters-unavailable": ("Availability", "LessThan", 95, "Average"),
}
# What each alert looks at: a module's parameter, and what the whole template gives for it.
SCOPES = {
    "archiveId": "archive.outputs.id",
    "hostAccountId": "hostStorage.outputs.id",
    "deadLetterAccountId": "deadLetters.outputs.id",
    "topicId": "topic.outputs.id",
    "workspaceId": "monitoring.outputs.workspaceId",
}
SCOPE_OF = {
    "archive-delete": "archiveId",
    "archive-read": "archiveId",
    "message-poisoned": "hostAccountId",
    "event-dropped": "topicId",
    "event-dead-lettered": "topicId",
    "event-delivery-failing": "topicId",
    "archive-unavailable": "archiveId",
    "host-storage-unavailable": "hostAccountId",
    "dead-letters-unavailable": "deadLetterAccountId",
}
# A loss, or a state in which everything is lost; what is for the next hour; what is for the day.
WAKES = {"chunk-expired", "app-silent", "event-dropped"}
FOR_THE_DAY = {
    *("queue-waiting", "scrub-behind", "seal-behind", "acs-log-unavailable", "message-poisoned", "event-rejected"),
    *("metadata-missing", "media-suspect", "event-delivery-failing", "chunk-stuck", "receiver-failing"),
}
FREQUENCIES = {
    "PT1M",
    "PT5M",
    "PT10M",
    "PT15M",
    "PT30M",
    "PT1H",
    "PT2H",
    "PT3H",
    "PT4H",
    "PT5H",
    "PT6H",
    "PT12H",
    "P1D",
}
WINDOWS = FREQUENCIES - {"PT1M"} | {"PT45M", "P2D"}
WATCHED = {  # operations of the Activity log, as Azure's reference of permissions spells them
    "Microsoft.Authorization/locks/delete",
    "Microsoft.Authorization/roleAssignments/write",
    "Microsoft.Authorization/roleAssignments/delete",
    "Microsoft.EventGrid/systemTopics/eventSubscriptions/delete",
    "Microsoft.Insights/diagnosticSettings/delete",
    "Microsoft.Insights/scheduledQueryRules/delete",
    "Microsoft.Storage/storageAccounts/write",
    "Microsoft.Storage/storageAccounts/delete",
    "Microsoft.Storage/storageAccounts/listKeys/action",
    "Microsoft.Storage/storageAccounts/blobServices/write",
    "Microsoft.Storage/storageAccounts/blobServices/containers/delete",
    "Microsoft.Storage/storageAccounts/blobServices/containers/immutabilityPolicies/write",
    "Microsoft.Storage/storageAccounts/blobServices/containers/immutabilityPolicies/delete",
    "Microsoft.Storage/storageAccounts/managementPolicies/write",
    "Microsoft.Storage/storageAccounts/managementPolicies/delete",
}
TELLS = {
    "protection-changed": "administrative",
    "resource-unhealthy": ["Degraded", "Unavailable"],
    "service-unhealthy": ["Incident", "Security", "ActionRequired"],
}


def every_alert_is_on_and_reaches_people(templates: Templates) -> Iterator[str]:
    """Check: an alert that is off, or has no one to tell, is a row in the portal that nobody opens."""
    alerts = templates.module("alerts")
    for symbol in ("logs", "metrics", "activities"):
        rule = alerts.resources[symbol]
        if rule.properties.get("enabled") is not True:
            yield f"alerts:{symbol}: off"
        if "groups" not in getattr(_groups_of(symbol, rule), "names", ()):
            yield f"alerts:{symbol}: tells nobody"
    if getattr(alerts.variables.get("groups"), "text", "") != GROUPS:
        yield "alerts: groups"
    people = alerts.resources["people"].properties
    if "useCommonAlertSchema: true" not in getattr(people.get("emailReceivers"), "text", ""):
        yield "alerts:people: mails without the facts of the alert"
    loop = people.get("emailReceivers")
    if people.get("enabled") is not True or "alertEmails" not in getattr(loop, "text", ""):
        yield "alerts:people: off, or nobody"


def every_alert_links_to_its_section(templates: Templates) -> Iterator[str]:
    """Check: the mail of 3 a.m. has a link; one that ends at the top of a long page, or nowhere, costs minutes."""
    alerts = templates.module("alerts")
    for symbol in ("logs", "metrics", "activities"):
        if getattr(alerts.resources[symbol].properties.get("description"), "text", "") != LINK:
            yield f"alerts:{symbol}: no link to the runbook"
    headings = anchors(DOCS / "runbook.md")
    yield from (f"docs/runbook.md#{name} leads nowhere" for name in alerts_of(templates) if name not in headings)


LINK = "'What to do: ${runbook}#${one.name}'"
GROUPS = "concat([people.id], otherActionGroupId == '' ? [] : [otherActionGroupId])"


def log_alerts_are_evaluated_as_they_are_tested(templates: Templates) -> Iterator[str]:
    """Check: one row is enough at each evaluation; `dev/policies/infra/alarms.py` plays the rest of the rule."""
    rule = templates.module("alerts").resources["logs"].properties
    yield from differs("alerts:logs", {"autoMitigate": True, "skipQueryValidation": True}, rule)
    yield from _takes("alerts:logs", rule, {"evaluationFrequency": "one.every", "windowSize": "one.range"})
    yield from _takes("alerts:logs", rule, {"severity": "one.severity"})
    (criterion,) = as_list(at(rule.get("criteria"), "allOf"))
    wanted: dict[str, Value] = {"timeAggregation": "Count", "operator": "GreaterThan", "threshold": 0}
    yield from differs("alerts:logs", wanted, as_dict(criterion))
    if at(criterion, "failingPeriods") != {"numberOfEvaluationPeriods": 1, "minFailingPeriodsToAlert": 1}:
        yield "alerts:logs: failingPeriods"
    texts = {
        "query": "replace(replace(one.query, '{appPrincipalId}', appPrincipalId), "
        "'{custodianPrincipalId}', custodianPrincipalId)",
        "dimensions": "map(one.by, column => { name: column, operator: 'Include', values: ['*'] })",
    }
    yield from _takes("alerts:logs", as_dict(criterion), texts)
    if getattr(as_list(rule.get("scopes"))[0], "text", "") != "one.scope" or "muteActionsDuration" in rule:
        yield "alerts:logs: another scope, or muted"


def metric_alerts_ask_for_the_right_metric(templates: Templates) -> Iterator[str]:
    """Check: a metric of another name is no metric: Azure takes the rule, and it never fires."""
    alerts = templates.module("alerts")
    told = as_list(alerts.variables.get("metricAlerts"))
    found = {
        at(one, "name"): (at(one, "metric"), at(one, "operator"), at(one, "threshold"), at(one, "aggregation"))
        for one in told
    }
    yield from (
        f"alerts: {name} asks {found.get(name)}" for name in sorted(METRICS) if found.get(name) != METRICS[name]
    )
    for one in told:
        space = alerts.resolved(at(one, "type"))
        wanted = (
            "Microsoft.EventGrid/systemTopics"
            if "event" in str(at(one, "name"))
            else "Microsoft.Storage/storageAccounts"
        )
        if space != wanted:
            yield f"alerts: {at(one, 'name')} is of {space}"
    rule = alerts.resources["metrics"].properties
    yield from differs("alerts:metrics", {"autoMitigate": True}, rule)
    yield from _takes("alerts:metrics", rule, {"evaluationFrequency": "one.every", "windowSize": "one.range"})
    (criterion,) = as_list(at(rule.get("criteria"), "allOf"))
    names = {"metricName": "one.metric", "threshold": "one.threshold", "operator": "one.operator"}
    yield from _takes("alerts:metrics", as_dict(criterion), {**names, "timeAggregation": "one.aggregation"})


def every_alert_looks_at_its_place(templates: Templates) -> Iterator[str]:
    """Check: an alert on another account is quiet for good."""
    variables = templates.module("alerts").variables
    for one in [*as_list(variables.get("logAlerts")), *as_list(variables.get("metricAlerts"))]:
        name = str(at(one, "name"))
        if getattr(at(one, "scope"), "text", "") != SCOPE_OF.get(name, "workspaceId"):
            yield f"alerts: {name} looks elsewhere"
    yield from _takes("infra/main.bicep:alerts", templates.main.modules["alerts"].given, SCOPES)


def each_subject_has_an_alert_of_its_own(templates: Templates) -> Iterator[str]:
    """Check: by chunk, by recording: the second one that is lost must not be swallowed by the first."""
    for one in as_list(templates.module("alerts").variables.get("logAlerts")):
        name = str(at(one, "name"))
        if at(one, "by") != SUBJECTS[name]:
            yield f"alerts: {name} is kept apart by {at(one, 'by')}"
    condition = templates.module("alerts").resources["activities"].properties.get("condition")
    category, status, values = (*as_list(at(condition, "allOf")), None, None, None)[:3]
    texts = [getattr(at(each, "equals"), "text", "") for each in (category, status)]
    if texts != ["one.category", "one.status"] or "one.values" not in getattr(at(values, "anyOf"), "text", ""):
        yield "alerts:activities: another condition than the table's"


SUBJECTS: Mapping[str, list[str]] = {
    **{name: ["document_id"] for name in ("chunk-expired", "chunk-at-risk", "chunk-quarantined")},
    **{name: ["recording_id"] for name in ("recording-missing", "recording-incomplete", "recording-never-announced")},
    **{name: [] for name in ("app-silent", "chunk-in-fallback", "log-cap-reached", "acs-log-unavailable")},
    **{name: ["queue"] for name in ("queue-stuck", "queue-waiting", "message-poisoned")},
    **{name: ["code"] for name in ("control-refused", "operator-fault", "seal-behind", "chunk-stuck")},
    "receiver-failing": ["entry"],
    "pause-overdue": ["recording_id"],
    "unrecorded": ["reason", "recording_id"],
    "archive-delete": ["OperationName", "RequesterObjectId", "caller"],
    "archive-read": ["RequesterObjectId", "caller"],
    "archive-drift": ["reason", "night"],
    "scrub-behind": ["what"],
    "seal-differs": ["what"],
    "event-rejected": ["reason", "came_from", "hour"],
    "metadata-missing": ["code", "hour"],
    "media-suspect": ["hour"],
}


def severities_say_who_is_woken(templates: Templates) -> Iterator[str]:
    """Severity 0 wakes people; a severity that is wrong by one is an alarm that is read tomorrow."""
    for name, alert in alerts_of(templates).items():
        wanted = (
            4 if not alert.query and name not in METRICS else 0 if name in WAKES else 2 if name in FOR_THE_DAY else 1
        )
        if alert.severity != wanted:
            yield f"alerts: {name} has severity {alert.severity}"


def each_alert_is_asked_as_often_and_as_far_back_as_promised(templates: Templates) -> Iterator[str]:
    """Check: a shorter window resolves too early, a longer period fires too late; nothing else would show it."""
    variables = templates.module("alerts").variables
    told = [*as_list(variables.get("logAlerts")), *as_list(variables.get("metricAlerts"))]
    found = {str(at(one, "name")): (at(one, "every"), at(one, "range")) for one in told}
    yield from (
        f"alerts: {name} is asked every {found.get(name)}"
        for name in sorted(ASKED.keys() | found.keys())
        if found.get(name) != ASKED.get(name)
    )


# How often, and how far back. What stands until a line ends it looks back as far as Azure can; the times in the runbook
# follow from these.
ASKED: Mapping[str, tuple[str, str]] = {
    **dict.fromkeys(("chunk-expired", "chunk-at-risk", "chunk-quarantined", "chunk-in-fallback"), ("PT5M", "P2D")),
    **dict.fromkeys(("recording-missing", "recording-incomplete"), ("PT5M", "P2D")),
    **dict.fromkeys(("pause-overdue", "control-refused", "operator-fault", "event-rejected"), ("PT5M", "P1D")),
    **dict.fromkeys(("app-silent", "queue-stuck"), ("PT5M", "PT15M")),
    **dict.fromkeys(("unrecorded", "message-poisoned"), ("PT5M", "PT30M")),
    **dict.fromkeys(("log-cap-reached", "archive-delete", "chunk-stuck", "receiver-failing"), ("PT15M", "P1D")),
    **dict.fromkeys(("metadata-missing", "media-suspect"), ("PT15M", "P1D")),
    **dict.fromkeys(("archive-drift", "seal-behind", "seal-differs"), ("PT15M", "P2D")),
    **dict.fromkeys(("recording-never-announced", "scrub-behind"), ("PT1H", "P2D")),
    **dict.fromkeys(("event-dropped", "event-dead-lettered"), ("PT1M", "PT5M")),
    **dict.fromkeys(("event-delivery-failing", "archive-unavailable"), ("PT1M", "PT15M")),
    **dict.fromkeys(("host-storage-unavailable", "dead-letters-unavailable"), ("PT1M", "PT15M")),
    "queue-waiting": ("PT15M", "PT30M"),
    "archive-read": ("PT1H", "PT2H"),
    "acs-log-unavailable": ("PT1H", "PT6H"),
}


def windows_overlap(templates: Templates) -> Iterator[str]:
    """Check: what is logged late is in the window of the next evaluation; and Azure takes certain durations only."""
    for name, alert in alerts_of(templates).items():
        if alert.window < alert.every + (INGESTION if alert.query else 0 * INGESTION):
            yield f"alerts: {name} looks back {alert.window} every {alert.every}"
    variables = templates.module("alerts").variables
    for one in [*as_list(variables.get("logAlerts")), *as_list(variables.get("metricAlerts"))]:
        if at(one, "every") not in FREQUENCIES or at(one, "range") not in WINDOWS:
            yield f"alerts: {at(one, 'name')}: Azure takes no such duration"


def changes_of_protection_are_told(templates: Templates) -> Iterator[str]:
    """Check: locks, roles, logs, immutability, alerts: whoever wants to delete changes one of these first."""
    variables = templates.module("alerts").variables
    watched = {str(name) for name in as_list(variables.get("administrative"))}
    yield from (f"alerts: {name} is not watched" for name in sorted(WATCHED ^ watched))
    for one in as_list(variables.get("activityAlerts")):
        values = at(one, "values")
        if getattr(values, "text", values) != TELLS.get(str(at(one, "name"))):
            yield f"alerts: {at(one, 'name')} tells {values}"
    found = {
        at(one, "name"): (
            at(one, "category"),
            at(one, "status"),
            at(one, "field"),
            getattr(at(one, "scope"), "text", ""),
        )
        for one in as_list(variables.get("activityAlerts"))
    }
    wanted = {
        "protection-changed": ("Administrative", "Succeeded", "operationName", "resourceGroup().id"),
        "resource-unhealthy": ("ResourceHealth", "Active", "properties.currentHealthStatus", "resourceGroup().id"),
        "service-unhealthy": ("ServiceHealth", "Active", "properties.incidentType", "subscription().id"),
    }
    yield from (f"alerts: {name} is {found.get(name)}" for name in wanted if found.get(name) != wanted[name])


def _groups_of(symbol: str, rule: Declared) -> Value:
    given = rule.properties.get("actions")
    return given if symbol == "metrics" else at(given, "actionGroups")


def _takes(place: str, given: Mapping[str, Value], wanted: Mapping[str, str]) -> Iterator[str]:
    """One sentence for each property that is not the expression it must be."""
    for name, text in wanted.items():
        value = given.get(name)
        if not isinstance(value, Expression) or re.sub(r"\s+", " ", value.text) != text:
            yield f"{place}: {name} is not {text}"


CHECKS: list[Check] = [
    every_alert_is_on_and_reaches_people,
    every_alert_links_to_its_section,
    log_alerts_are_evaluated_as_they_are_tested,
    metric_alerts_ask_for_the_right_metric,
    every_alert_looks_at_its_place,
    each_subject_has_an_alert_of_its_own,
    severities_say_who_is_woken,
    each_alert_is_asked_as_often_and_as_far_back_as_promised,
    windows_overlap,
    changes_of_protection_are_told,
]
