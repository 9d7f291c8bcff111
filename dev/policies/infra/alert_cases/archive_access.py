"""The cases of those who read or delete in the archive."""

from dev.policies.infra.alarms import APP, CUSTODIAN
from dev.policies.infra.alert_cases.case import (
    DOCTOR,
    LAWFULLY_REFUSED,
    LIFECYCLE,
    NOBODY,
    REFUSED,
    STRANGER,
    Case,
    alerts,
    deleted,
    ranges,
    reads,
)

CASES: tuple[Case, ...] = (
    Case("somebody deletes a recording", rows=[deleted()], alerts=alerts("archive-delete")),
    Case(
        "somebody tries to, in vain",
        rows=[deleted(StatusText="AuthorizationPermissionMismatch")],
        alerts=alerts("archive-delete"),
    ),
    Case("the custodian destroys", rows=[deleted(RequesterObjectId=CUSTODIAN)]),
    *(
        Case(
            f"the custodian does what the law asks: {operation}, {status}",
            rows=[deleted(RequesterObjectId=CUSTODIAN, OperationName=operation, StatusText=status)],
        )
        for operation in ("DeleteBlob", "SetBlobLegalHold")
        for status in ("Success", *LAWFULLY_REFUSED)
    ),
    *(
        Case(
            f"the custodian is refused for want of a right: {status}",
            rows=[deleted(RequesterObjectId=CUSTODIAN, StatusText=status)],
            alerts=alerts("archive-delete"),
        )
        for status in ("AuthorizationPermissionMismatch", "AuthorizationFailure", "AuthenticationFailed")
    ),
    *(
        Case(
            f"somebody has the custodian's identity: {operation}",
            rows=[deleted(RequesterObjectId=CUSTODIAN, OperationName=operation)],
            alerts=alerts("archive-delete"),
        )
        for operation in (
            *("DeleteContainer", "DeleteBlobImmutabilityPolicy", "SetBlobImmutabilityPolicy"),
            *("SetBlobExpiry", "BlobBatch", "BatchDelete"),
        )
    ),
    *(
        Case(
            f"somebody else is told what the custodian may be told: {status}",
            rows=[deleted(StatusText=status)],
            alerts=alerts("archive-delete"),
        )
        for status in LAWFULLY_REFUSED
    ),
    Case("the doctor asks whether the app may delete", rows=[deleted(**DOCTOR)]),
    *(
        Case(
            f"it is not the doctor that asks: {name}",
            rows=[deleted(**{**DOCTOR, name: value})],
            alerts=alerts("archive-delete"),
        )
        for name, value in (
            ("RequesterObjectId", STRANGER),
            ("StatusText", "Success"),
            ("OperationName", "DeleteContainer"),
            ("Uri", "https://a.blob.example/recordings/doctor-probe.mp4"),
        )
    ),
    Case("the lifecycle rule deletes", rows=[deleted(**LIFECYCLE)]),
    Case(
        "the lifecycle rule of today's name deletes",
        rows=[deleted(**{**LIFECYCLE, "UserAgentHeader": "OLCMScanner"})],
    ),
    Case(
        "somebody calls themselves the lifecycle rule",
        rows=[deleted(**{**LIFECYCLE, "AuthenticationType": "OAuth", "RequesterObjectId": STRANGER})],
        alerts=alerts("archive-delete"),
    ),
    Case(
        "somebody with a signed link of their own calls themselves the lifecycle rule",
        rows=[deleted(**{**LIFECYCLE, "RequesterObjectId": STRANGER})],
        alerts=alerts("archive-delete"),
    ),
    Case(
        "somebody deletes with a signed link",
        rows=[deleted(**{**LIFECYCLE, "UserAgentHeader": "curl/8"})],
        alerts=alerts("archive-delete"),
    ),
    Case(
        "nobody in particular calls themselves the lifecycle rule",
        rows=[deleted(**{**LIFECYCLE, "AuthenticationType": "Anonymous"})],
        alerts=alerts("archive-delete"),
    ),
    Case(
        "an immutability policy is lifted",
        rows=[deleted(OperationName="DeleteBlobImmutabilityPolicy")],
        alerts=alerts("archive-delete"),
    ),
    *(
        Case(f"{operation} in the archive", rows=[deleted(OperationName=operation)], alerts=alerts("archive-delete"))
        for operation in (
            *("DeleteContainer", "SetBlobExpiry", "SetBlobImmutabilityPolicy", "SetBlobLegalHold"),
            *("BlobBatch", "BatchDelete"),
        )
    ),
    Case(
        "the lifecycle rule is refused",
        rows=[deleted(**{**LIFECYCLE, "StatusText": "BlobImmutableDueToPolicy"})],
        alerts=alerts("archive-delete"),
    ),
    Case("a reader plays one recording in many ranges", rows=ranges(150)),
    *(
        Case(
            f"a stranger reads everything by {operation}",
            rows=reads(150, OperationName=operation),
            alerts=alerts("archive-read"),
        )
        for operation in ("GetBlobRange", "CopyBlobSource")
    ),
    Case("the app writes", rows=[deleted(OperationName="PutBlock", RequesterObjectId=APP)]),
    Case("the app reads everything", rows=reads(150, RequesterObjectId=APP)),
    Case(
        "the custodian looks whom documents name",
        rows=reads(150, RequesterObjectId=CUSTODIAN, Uri="https://a.blob.example/recordings/{at}/manifest.json"),
    ),
    *(
        Case(
            f"somebody reads media as the custodian: {kind}",
            rows=reads(150, RequesterObjectId=CUSTODIAN, Uri=f"https://a.blob.example/recordings/{{at}}.{kind}?x"),
            alerts=alerts("archive-read"),
        )
        for kind in ("mp4", "mp3", "wav")
    ),
    Case("a reader listens to one", rows=reads(1)),
    Case(
        "a stranger reads all documents",
        rows=reads(150, Uri="https://a.blob.example/recordings/{at}/manifest.json"),
        alerts=alerts("archive-read"),
    ),
    Case("a stranger reads everything", rows=reads(150), alerts=alerts("archive-read")),
    Case(
        "somebody reads with a signed link",
        rows=reads(1, AuthenticationType="SAS", RequesterObjectId=""),
        alerts=alerts("archive-read"),
    ),
    *(
        Case(f"somebody is refused: {status}", rows=reads(150, StatusText=status))
        for status in ("AuthorizationFailure", "AuthenticationFailed", "AuthorizationPermissionMismatch")
    ),
    *(
        Case(f"a scanner of the internet asks: {status}", rows=reads(1, **NOBODY, StatusText=status))
        for status in REFUSED
    ),
)
