"""How policies are evaluated, case by case."""

from __future__ import annotations

import unittest
from typing import Any

from iam import Call, NotUnderstood, Policy, decide

ROLE = "arn:aws:iam::123456789012:role/loan"
BUCKET = "arn:aws:s3:::loans"


def policy(*statements: dict[str, Any]) -> Policy:
    """A policy of statements."""
    return Policy("test", {"Statement": list(statements)})


def allow(action: str, resource: str = "*", **more: Any) -> dict[str, Any]:
    """A statement that allows."""
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def is_allowed(
    identity: list[dict[str, Any]],
    resource: list[dict[str, Any]] | None = None,
    who: str = ROLE,
    action: str = "s3:GetObject",
    on: str = f"{BUCKET}/specs/dev.yaml",
    **context: Any,
) -> bool:
    """The decision about a call."""
    call = Call(who, action, on, {key.replace("__", ":"): value for key, value in context.items()})
    return decide(call, [policy(*identity)], policy(*resource) if resource is not None else None).allowed


class Statements(unittest.TestCase):
    """Actions, resources, principals, denials."""

    def test_nothing_is_allowed_by_itself(self) -> None:
        self.assertFalse(is_allowed([]))

    def test_actions_have_no_case_and_resources_have(self) -> None:
        self.assertTrue(is_allowed([allow("S3:getobject", f"{BUCKET}/specs/*")]))
        self.assertFalse(is_allowed([allow("s3:GetObject", f"{BUCKET}/Specs/*")]))

    def test_a_prefix_ends_where_it_ends(self) -> None:
        self.assertFalse(is_allowed([allow("s3:GetObject", f"{BUCKET}/specs")]))
        self.assertFalse(is_allowed([allow("s3:GetObject", f"{BUCKET}2/*")]))

    def test_a_denial_anywhere_ends_it(self) -> None:
        deny = {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}
        self.assertFalse(is_allowed([allow("s3:*"), deny]))
        self.assertFalse(is_allowed([allow("s3:*")], [{**deny, "Principal": "*"}]))

    def test_a_denial_of_others_concerns_nobody_else(self) -> None:
        deny = {
            "Effect": "Deny",
            "Action": "s3:*",
            "Resource": "*",
            "Principal": {"AWS": "arn:aws:iam::123456789012:role/other"},
        }
        self.assertTrue(is_allowed([allow("s3:*")], [deny]))

    def test_within_an_account_either_policy_allows(self) -> None:
        self.assertTrue(is_allowed([], [allow("s3:GetObject", Principal={"AWS": ROLE})]))
        self.assertFalse(is_allowed([], [allow("s3:GetObject", Principal={"AWS": "arn:aws:iam::123456789012:root"})]))

    def test_not_action_and_not_resource(self) -> None:
        all_but = {"Effect": "Allow", "NotAction": "iam:*", "NotResource": f"{BUCKET}/state/*"}
        self.assertTrue(is_allowed([all_but]))
        self.assertFalse(is_allowed([all_but], on=f"{BUCKET}/state/dev.json"))
        self.assertFalse(is_allowed([all_but], action="iam:CreateRole"))

    def test_a_key_allows_by_its_own_policy_or_leaves_it_to_the_account(self) -> None:
        key = "arn:aws:kms:eu-west-1:123456789012:key/1"
        root = {"AWS": "arn:aws:iam::123456789012:root"}
        decrypt = {"action": "kms:Decrypt", "on": key}
        self.assertFalse(is_allowed([allow("kms:Decrypt")], [], **decrypt))
        self.assertTrue(is_allowed([allow("kms:Decrypt")], [allow("kms:*", Principal=root)], **decrypt))
        self.assertFalse(is_allowed([], [allow("kms:*", Principal=root)], **decrypt))
        self.assertTrue(is_allowed([], [allow("kms:*", Principal={"AWS": ROLE})], **decrypt))

    def test_a_role_is_taken_only_by_whom_it_trusts(self) -> None:
        trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ecs-tasks.amazonaws.com"}}
        take = {"action": "sts:AssumeRole", "on": ROLE}
        self.assertTrue(is_allowed([], [trust], who="ecs-tasks.amazonaws.com", **take))
        self.assertFalse(is_allowed([], [trust], who="ec2.amazonaws.com", **take))
        self.assertFalse(is_allowed([allow("sts:AssumeRole")], [trust], who="arn:aws:iam::123456789012:role/x", **take))


class Conditions(unittest.TestCase):
    """Operators, missing keys, sets of values."""

    def holds(self, condition: dict[str, Any], **context: Any) -> bool:
        """Whether a condition holds."""
        return is_allowed([allow("s3:GetObject", Condition=condition)], **context)

    def test_a_missing_key_fits_only_what_is_negative_or_optional(self) -> None:
        for operator, expected in (
            ("StringEquals", False),
            ("StringLike", False),
            ("ArnLike", False),
            ("StringEqualsIfExists", True),
            ("StringNotEquals", True),
            ("ArnNotEquals", True),
            ("ForAllValues:StringEquals", True),
            ("ForAnyValue:StringEquals", False),
        ):
            with self.subTest(operator):
                self.assertEqual(self.holds({operator: {"aws:TagKeys": "a"}}), expected)

    def test_null_asks_whether_a_key_is_there(self) -> None:
        self.assertTrue(self.holds({"Null": {"s3:if-match": "true"}}))
        self.assertFalse(self.holds({"Null": {"s3:if-match": "true"}}, **{"s3:if-match": "a"}))
        self.assertTrue(self.holds({"Null": {"s3:if-match": "false"}}, **{"s3:if-match": "a"}))

    def test_all_keys_must_hold_and_any_value_of_each(self) -> None:
        both = {"StringEquals": {"aws:a": ["1", "2"], "aws:b": "3"}}
        self.assertTrue(self.holds(both, aws__a="2", aws__b="3"))
        self.assertFalse(self.holds(both, aws__a="2", aws__b="4"))

    def test_sets_of_values(self) -> None:
        only = {"ForAllValues:StringEquals": {"aws:TagKeys": ["a", "b"]}}
        self.assertTrue(self.holds(only, aws__TagKeys=["a"]))
        self.assertFalse(self.holds(only, aws__TagKeys=["a", "c"]))
        self.assertTrue(self.holds({"ForAnyValue:StringEquals": {"aws:TagKeys": "a"}}, aws__TagKeys=["a", "c"]))

    def test_arns_are_compared_part_by_part(self) -> None:
        like = {"ArnLike": {"aws:SourceArn": "arn:aws:ecs:*:123456789012:*"}}
        self.assertTrue(self.holds(like, aws__SourceArn="arn:aws:ecs:eu-west-1:123456789012:task/a/b"))
        self.assertFalse(self.holds(like, aws__SourceArn="arn:aws:ecs:eu-west-1:210987654321:x:123456789012:y"))

    def test_variables_are_filled_in_and_missing_ones_fit_nothing(self) -> None:
        own = [allow("s3:GetObject", f"{BUCKET}/${{aws:PrincipalTag/team}}/*")]
        self.assertTrue(is_allowed(own, **{"aws:PrincipalTag/team": "specs"}))
        self.assertFalse(is_allowed(own))

    def test_what_is_not_understood_is_said(self) -> None:
        for condition in ({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, {"DateLessThan": {"aws:CurrentTime": "2026"}}):
            with self.assertRaises(NotUnderstood):
                self.holds(condition, aws__SourceIp="10.0.0.1", aws__CurrentTime="2025")


if __name__ == "__main__":
    unittest.main()
