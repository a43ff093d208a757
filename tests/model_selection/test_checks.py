"""The checks of the options of a search."""

import pytest

from skda.model_selection._checks import check_validators
from skda.model_selection.validators.agreement import validator_names


def test_names_of_validators_are_checked():
    check_validators(("agreement", "entropy"))
    with pytest.raises(ValueError, match="of different names"):
        check_validators(["entropy", "entropy"])
    with pytest.raises(ValueError, match="The validator must be one of"):
        check_validators(["agreement", "entrpy"])


def test_one_validator_is_a_sequence_of_one_and_a_callable_has_no_name():
    assert validator_names("snd") == ("snd",)
    assert validator_names(["snd", "dev"]) == ["snd", "dev"]
    assert validator_names(max) == ()
