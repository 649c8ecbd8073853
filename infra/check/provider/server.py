"""The provider protocol, version 6: each call a few lines over the other modules."""

from __future__ import annotations

import json
import traceback
from functools import wraps
from typing import Any, Callable

from tf.gen import tfplugin_pb2 as pb
from tf.gen import tfplugin_pb2_grpc as rpc

from . import account, data, planning, schema
from .values import UNKNOWN, decode, encode

Json = dict[str, Any]


def told(answered: Callable[..., Any]) -> Callable[..., Any]:
    """Lets Terraform print what goes wrong here, instead of a broken connection."""

    @wraps(answered)
    def call(self: Any, request: Any, context: Any) -> Any:
        try:
            return answered(self, request, context)
        except Exception:
            kind = getattr(pb, answered.__name__).Response
            problem = pb.Diagnostic(
                severity=pb.Diagnostic.ERROR,
                summary=f"The stand-in provider failed in {answered.__name__} {getattr(request, 'type_name', '')}",
                detail=traceback.format_exc(),
            )
            return kind(diagnostics=[problem])

    return call


class StandIn(rpc.ProviderServicer):
    """hashicorp/aws, as far as its schema goes."""

    def __init__(self, found: Json) -> None:
        self.schema = found
        self.described = schema.described(found)
        self.region = "eu-central-1"
        self.default_tags: Any = {}

    def GetProviderSchema(self, request: Any, context: Any) -> Any:
        """All types."""
        return self.described

    def ValidateProviderConfig(self, request: Any, context: Any) -> Any:
        """Terraform has checked it against the schema."""
        return pb.ValidateProviderConfig.Response()

    def ValidateResourceConfig(self, request: Any, context: Any) -> Any:
        """Terraform has checked it against the schema."""
        return pb.ValidateResourceConfig.Response()

    def ValidateDataResourceConfig(self, request: Any, context: Any) -> Any:
        """Terraform has checked it against the schema."""
        return pb.ValidateDataResourceConfig.Response()

    @told
    def ConfigureProvider(self, request: Any, context: Any) -> Any:
        """Keeps the region and the tags of everything."""
        account.forget()
        config = decode(request.config) or {}
        region = config.get("region")
        self.region = region if isinstance(region, str) else self.region
        tags = [of.get("tags") for of in config.get("default_tags") or []]
        self.default_tags = (tags[0] if tags and tags[0] is not UNKNOWN else {}) or {}
        return pb.ConfigureProvider.Response()

    @told
    def UpgradeResourceState(self, request: Any, context: Any) -> Any:
        """The state is as it was written."""
        return pb.UpgradeResourceState.Response(upgraded_state=pb.DynamicValue(json=request.raw_state.json))

    @told
    def ReadResource(self, request: Any, context: Any) -> Any:
        """Nobody else changes this account."""
        return pb.ReadResource.Response(new_state=request.current_state, private=request.private)

    @told
    def PlanResourceChange(self, request: Any, context: Any) -> Any:
        """What will be, with unknowns."""
        block = self.block_of(request.type_name)
        proposed, prior = decode(request.proposed_new_state), decode(request.prior_state)
        state = planning.planned(block, proposed, prior, self.default_tags)
        return pb.PlanResourceChange.Response(planned_state=encode(state))

    @told
    def ApplyResourceChange(self, request: Any, context: Any) -> Any:
        """What is, with everything known."""
        state = decode(request.planned_state)
        if state is None:
            return pb.ApplyResourceChange.Response(new_state=encode(None))
        made_up = account.made_up(request.type_name, state, self.region)
        state = planning.applied(self.block_of(request.type_name), state, made_up)
        return pb.ApplyResourceChange.Response(new_state=encode(state))

    @told
    def ReadDataSource(self, request: Any, context: Any) -> Any:
        """What the account says."""
        block = self.schema["data_source_schemas"][request.type_name]["block"]
        config = decode(request.config)
        state = planning.with_unknowns(block, config)
        state = planning.applied(block, state, {})
        state.update(data.answer(request.type_name, config, self.region))
        return pb.ReadDataSource.Response(state=encode(state))

    def StopProvider(self, request: Any, context: Any) -> Any:
        """Nothing is under way."""
        return pb.StopProvider.Response()

    def block_of(self, kind: str) -> Json:
        """The schema of a resource."""
        found: Json = self.schema["resource_schemas"][kind]["block"]
        return found


def reattach(socket: str, pid: int) -> str:
    """What Terraform is told in TF_REATTACH_PROVIDERS."""
    address = {"Network": "unix", "String": socket}
    described = {"Protocol": "grpc", "ProtocolVersion": 6, "Pid": pid, "Test": True, "Addr": address}
    return json.dumps({"hashicorp/aws": described})
