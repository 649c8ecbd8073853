"""The helpers that decide something: the schema's reader, documents, what sources call, who is named."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import changes
import extract
import lint
import principals
import simulate
from iam import Policy
from provider import planning, policy_document
from provider.values import UNKNOWN, decode, encode
from rust_calls import made_by
from terraform import HERE, Problem

ROOT = HERE.parent.parent


class Extract(unittest.TestCase):
    """Bindings as the package has them, in a few lines."""

    SOURCE = """
class ThingRuleOutputReference extends cdktn.ComplexObject {
    // port - computed: false, optional: false, required: true
    _port;
    get port() {
        return this.getNumberAttribute('port');
    }
}
class Thing extends cdktn.TerraformResource {
    // arn - computed: true, optional: false, required: false
    get arn() {
        return this.getStringAttribute('arn');
    }
    // zones - computed: false, optional: true, required: false
    _zones;
    get zones() {
        return cdktn.Fn.tolist(this.getListAttribute('zones'));
    }
    // secret_wo - computed: false, optional: true, required: false
    _secretWo;
    get secretWo() {
        return this.getStringAttribute('secret_wo');
    }
    // rule - computed: false, optional: false, required: true
    _rule = new ThingRuleList(this, "rule", true);
    // state - computed: true, optional: false, required: false
    _state = new ThingRuleList(this, "state", false);
}
"""
    TYPINGS = """
export interface ThingConfig extends cdktn.TerraformMetaArguments {
    /**
    * rule block
    */
"""

    def block(self) -> extract.Json:
        """What is read of it."""
        found = extract.Bindings()
        extract.read_members(self.SOURCE.splitlines(), found)
        extract.read_blocks(self.TYPINGS.splitlines(), found)
        return extract.block(found, found.root)

    def test_flags_and_types(self) -> None:
        attributes = self.block()["attributes"]
        self.assertEqual(attributes["arn"], {"type": "string", "computed": True})
        self.assertEqual(attributes["zones"], {"type": ["set", "string"], "optional": True})
        self.assertTrue(attributes["secret_wo"]["write_only"])

    def test_blocks_and_lists_of_objects(self) -> None:
        block = self.block()
        rule = block["block_types"]["rule"]
        self.assertEqual((rule["nesting_mode"], rule["min_items"], "max_items" in rule), ("set", 1, False))
        self.assertEqual(rule["block"]["attributes"]["port"], {"type": "number", "required": True})
        self.assertEqual(block["attributes"]["state"]["type"], ["list", ["object", {"port": "number"}]])

    def test_what_is_not_understood_is_said(self) -> None:
        member = extract.Member("odd", False, True, False, accessor="this.getOddAttribute('odd')")
        with self.assertRaisesRegex(extract.ExtractError, "odd"):
            extract.simple_type(member)

    def test_every_type_that_is_listed_is_in_the_schema(self) -> None:
        schema = json.loads((HERE / "aws-schema.json").read_text())
        known = {*schema["resource_schemas"], *(f"data.{name}" for name in schema["data_source_schemas"]), "provider"}
        self.assertEqual(set(extract.read_types(HERE / "types.txt")), known)


class StandInProvider(unittest.TestCase):
    """Plans, applies, documents."""

    BLOCK = {
        "attributes": {
            "id": {"type": "string", "computed": True},
            "tags": {"type": ["map", "string"], "optional": True},
            "tags_all": {"type": ["map", "string"], "computed": True},
        }
    }

    def test_unknown_values_come_back_as_they_went(self) -> None:
        self.assertIs(decode(encode({"a": UNKNOWN}))["a"], UNKNOWN)

    def test_what_is_computed_is_unknown_until_applied(self) -> None:
        planned = planning.planned(self.BLOCK, {"id": None, "tags": {"A": "1"}, "tags_all": None}, None, {"B": "2"})
        assert planned is not None
        self.assertIs(planned["id"], UNKNOWN)
        self.assertEqual(planned["tags_all"], {"A": "1", "B": "2"})
        self.assertEqual(planning.applied(self.BLOCK, planned, {"id": "x"})["id"], "x")

    def test_a_second_plan_changes_nothing(self) -> None:
        state = {"id": "x", "tags": None, "tags_all": {"B": "2"}}
        self.assertEqual(planning.planned(self.BLOCK, state, state, {"B": "2"}), state)

    def test_policies_are_rendered_as_the_provider_does(self) -> None:
        config = {
            "statement": [
                {
                    "sid": "One",
                    "actions": ["s3:GetObject"],
                    "resources": ["arn:aws:s3:::b/&{aws:username}"],
                    "principals": [{"type": "*", "identifiers": ["*"]}],
                    "condition": [{"test": "Bool", "variable": "aws:SecureTransport", "values": ["false"]}],
                }
            ]
        }
        [statement] = json.loads(policy_document.rendered(config)["json"])["Statement"]
        self.assertEqual(statement["Principal"], "*")
        self.assertEqual(statement["Resource"], "arn:aws:s3:::b/${aws:username}")
        self.assertEqual(statement["Condition"], {"Bool": {"aws:SecureTransport": "false"}})

    def test_a_statement_of_the_same_name_is_replaced(self) -> None:
        first = {"Sid": "One", "Effect": "Allow"}
        self.assertEqual(
            policy_document.merged([first], [{"Sid": "One", "Effect": "Deny"}]), [{"Sid": "One", "Effect": "Deny"}]
        )


class Calls(unittest.TestCase):
    """The table and the sources, both ways."""

    def with_source(self, changes: dict[str, tuple[str, str]]) -> list[str]:
        """What is wrong after changes of sources."""
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            for part in ("controller/aws/src", "services/kit/src", "services/loan-api/src"):
                shutil.copytree(ROOT / part, root / part)
            for manifest in [ROOT / "Cargo.toml", *ROOT.glob("controller/*/Cargo.toml")]:
                target = root / manifest.relative_to(ROOT)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(manifest, target)
            for path, (old, new) in changes.items():
                text = (root / path).read_text()
                self.assertIn(old, text, f"{path} is written otherwise; mend this test")
                (root / path).write_text(text.replace(old, new))
            return simulate.table_problems(root)

    def test_a_new_call_needs_a_row(self) -> None:
        inventory = "controller/aws/src/ecs/inventory.rs"
        changed = {inventory: ('"ecs:ListServices"', '"ecs:ListTasks"')}
        with self.assertRaisesRegex(Problem, "inventory.rs: list_services"):
            self.with_source(changed)
        changed = {inventory: (".list_services()", '.list_tasks() /* "ecs:ListTasks" */')}
        with self.assertRaisesRegex(Problem, "names ecs:ListServices, and nothing calls it"):
            self.with_source(changed)

    def test_a_call_that_is_gone_has_no_row(self) -> None:
        changed = {"controller/aws/src/documents.rs": (".store.delete(", ".store.forget(")}
        self.assertTrue(
            any(
                "s3:DeleteObject for controller: nothing in the sources calls it" in of
                for of in self.with_source(changed)
            )
        )

    def test_a_client_of_another_service_is_noticed(self) -> None:
        changed = {
            "controller/aws/Cargo.toml": (
                "aws-sdk-sqs.workspace",
                "aws-sdk-sns.workspace = true\naws-sdk-sqs.workspace",
            )
        }
        with self.assertRaisesRegex(Problem, "aws-sdk-sns is not known"):
            self.with_source(changed)

    def test_what_is_found_today(self) -> None:
        made = made_by(ROOT)
        self.assertIn("ecs:UpdateService", made["controller"][1])
        self.assertEqual(set(made["loan-api"][1]), {"s3:GetObject", "rds-db:connect"})

    def test_a_call_on_the_wrong_kind_of_resource_proves_nothing(self) -> None:
        cluster = "arn:aws:ecs:eu-west-1:123456789012:cluster/loan"
        self.assertTrue(lint.fits("ecs:DeleteCluster", cluster))
        self.assertFalse(lint.fits("ecs:StopTask", cluster))
        self.assertFalse(lint.fits("s3:GetObject", "arn:aws:s3:::loans"))
        self.assertTrue(lint.fits("ecs:ListServices", "*"))

    def test_a_misspelt_action_proves_nothing(self) -> None:
        table = {"allowed": [{"action": "s3:GetObject"}], "denied": [{"action": ["s3:DeleteBuckets"]}]}
        self.assertEqual(simulate.unknown_actions(table), ["s3:DeleteBuckets"])

    def test_a_rule_is_read_with_its_alternatives(self) -> None:
        detail = {"eventName": ["CreateRole"], "$or": [{"eventName": ["DeleteRole"]}, {"errorCode": ["AccessDenied"]}]}
        self.assertEqual(changes.names_of(detail), ["CreateRole", "DeleteRole"])


class Names(unittest.TestCase):
    """Who policies name, and what they allow."""

    def test_layers_of_images_are_let_through_endpoints_and_nowhere_else(self) -> None:
        layers = "arn:aws:s3:::prod-eu-west-1-starport-layer-bucket/*"
        statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": layers}
        self.assertTrue(principals.is_layers("aws_vpc_endpoint.s3", statement))
        self.assertFalse(principals.is_layers("aws_s3_bucket_policy.specs", statement))
        self.assertFalse(principals.is_layers("aws_vpc_endpoint.s3", {**statement, "Resource": "arn:aws:s3:::*"}))
        self.assertFalse(principals.is_layers("aws_vpc_endpoint.s3", {**statement, "Action": "s3:*"}))

    def test_everybody_over_tls_is_still_everybody(self) -> None:
        statement = {"Effect": "Allow", "Principal": "*", "Condition": {"Bool": {"aws:SecureTransport": "true"}}}
        self.assertTrue(principals.problems_of(statement))
        own = {"StringEquals": {"aws:PrincipalAccount": "123456789012"}}
        self.assertFalse(principals.problems_of({**statement, "Condition": own}))
        optional = {"StringEqualsIfExists": {"aws:PrincipalAccount": "123456789012"}}
        self.assertTrue(principals.problems_of({**statement, "Condition": optional}))

    def test_denying_everybody_is_fine(self) -> None:
        self.assertFalse(principals.problems_of({"Effect": "Deny", "Principal": "*"}))

    def test_wildcards_in_actions(self) -> None:
        policy = Policy(
            "p",
            {
                "Version": "2012-10-17",
                "Statement": [{"Effect": "Allow", "Action": "sqs:Get*", "Resource": "arn:aws:sqs:*:*:q"}],
            },
        )
        self.assertTrue(any("sqs:Get* has a wildcard" in problem for problem in lint.problems_of(policy)))


class Entry(unittest.TestCase):
    """What `run` says where something is missing."""

    def test_without_terraform_it_fails_and_says_what_to_install(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            for name in ("bash", "dirname", "mkdir", "env"):
                os.symlink(str(shutil.which(name)), Path(folder) / name)
            done = subprocess.run([HERE / "run"], env={"PATH": folder}, capture_output=True, text=True)
        self.assertEqual(done.returncode, 2)
        self.assertIn("install Terraform 1.11 or later", done.stderr)


if __name__ == "__main__":
    unittest.main()
