"""Faults in the structure of the templates: syntax, names, modules, parameters."""

from dev.policies.infra import structure
from dev.policies.infra.planted.files import (
    ALERTS,
    MAIN,
    Fault,
)

FAULTS: list[Fault] = [
    (structure.syntax, MAIN, "targetScope = 'subscription'", "targetScope = "),
    (structure.syntax, "infra/main.parameters.json", '"parameters": {', '"parameters": {,'),
    (structure.checkable_style, MAIN, "'modules/identity.bicep'", "'br/public:avm/res/web/site:0.24'"),
    (structure.names, MAIN, "location: location\n  tags: tags\n}", "location: locaton\n  tags: tags\n}"),
    (structure.names, MAIN, "var token =", "var forgotten = 1\nvar token ="),
    (structure.modules, MAIN, "appPrincipalId: identity", "principal: identity"),
    (structure.modules, MAIN, "hostStorage.outputs.queueUri", "hostStorage.outputs.queueAddress"),
    (structure.modules, MAIN, "'modules/budget.bicep'", "'modules/budgets.bicep'"),
    (structure.loaded_files, ALERTS, "chunk-expired.kql", "chunks-expired.kql"),
    (structure.documented_parameters, MAIN, "@description('Days that logs are kept.')\n", ""),
    (structure.parameters_file, "infra/main.parameters.json", '"location"', '"region"'),
    (structure.parameters_file, "infra/main.parameters.json", "VNET_ENABLED=false", "VNET_ENABLED=true"),
    (
        structure.parameters_file,
        "infra/main.parameters.json",
        '    "deleteAfterDays": { "value": "${DELETE_AFTER_DAYS=-1}" },\n',
        "",
    ),
    (structure.loaded_files, MAIN, "'regions.json'", "'region.json'"),
]
