"""Events of OpenLineage built by the classes of `openlineage-python`, which add the URLs and check the values."""

import importlib
import pkgutil
import types
from typing import Any, Union, get_args, get_origin

import attr
import openlineage.client.generated as generated
from openlineage.client import event_v2
from openlineage.client.generated import base
from openlineage.client.serde import Serde

OWN = {"RunFacet": base.RunFacet, "JobFacet": base.JobFacet, "DatasetFacet": base.DatasetFacet}


def _classes() -> dict[str, type[Any]]:
    """The facets by the URL of their schema."""
    names = [each.name for each in pkgutil.iter_modules(generated.__path__)]
    modules = [importlib.import_module(f"{generated.__name__}.{name}") for name in names]
    found = [each for module in modules for each in vars(module).values() if attr.has(each)]
    return {each._get_schema(): each for each in found if hasattr(each, "_get_schema")}


BY_URL = _classes()


def structured(kind: Any, value: Any) -> Any:
    """The value as an object of a class, or of a list, a dict or an optional one of it."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return structured(next(each for each in inner if each is not type(None)), value)
    if origin is list:
        return [structured(inner[0], each) for each in value]
    if origin is dict:
        return {key: structured(inner[1], each) for key, each in value.items()}
    if isinstance(kind, type) and attr.has(kind):
        attr.resolve_types(kind)
        fields = {field.name: field.type for field in attr.fields(kind)}
        return kind(**{name: structured(fields[name], each) for name, each in value.items()})
    return value


def facet(given: dict[str, Any]) -> Any:
    """A facet, of its class or a facet of odibi with its properties."""
    url, fields = given["_schemaURL"], {key: each for key, each in given.items() if not key.startswith("_")}
    kind = OWN.get(url.rpartition("/")[2])
    if kind is not None:
        return kind(producer=given["_producer"]).with_additional_properties(**fields)
    made = structured(BY_URL[url], fields)
    made._producer = given["_producer"]
    return made


def _facets(given: dict[str, Any]) -> dict[str, Any]:
    return {name: facet(each) for name, each in given.items()}


def made_by_client(event: dict[str, Any]) -> dict[str, Any]:
    """The event as the client library writes it."""
    return Serde.to_dict(event_of_client(event))


def event_of_client(event: dict[str, Any]) -> event_v2.RunEvent:
    """The event as an object of the client library."""
    run, job = event["run"], event["job"]
    return event_v2.RunEvent(
        eventTime=event["eventTime"],
        producer=event["producer"],
        eventType=event_v2.RunState(event["eventType"]),
        run=event_v2.Run(runId=run["runId"], facets=_facets(run["facets"])),
        job=event_v2.Job(namespace=job["namespace"], name=job["name"], facets=_facets(job["facets"])),
        inputs=[
            event_v2.InputDataset(
                each["namespace"], each["name"], _facets(each["inputFacets"]), facets=_facets(each["facets"])
            )
            for each in event["inputs"]
        ],
        outputs=[
            event_v2.OutputDataset(
                each["namespace"], each["name"], _facets(each["outputFacets"]), facets=_facets(each["facets"])
            )
            for each in event["outputs"]
        ],
    )
