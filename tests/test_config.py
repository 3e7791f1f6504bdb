import dataclasses
import json

import pytest

from simgan_lib.config import PRESETS, Config, ConfigError, preset


def test_presets_are_what_the_sources_say():
    report, paper = preset("report"), preset("paper")
    assert (report.iterations, report.batch_size, report.discriminator_updates) == (25_000, 32, 10)
    assert (report.optimizer, report.beta_1, report.lambda_mean) == ("adam", 0.5, 0.01)
    assert (paper.batch_size, paper.refiner_updates, paper.discriminator_updates) == (512, 50, 1)
    assert (paper.optimizer, paper.lambda_mean) == ("sgd", 0.153)
    for config in (report, paper):
        assert config.refiner_learning_rate == config.discriminator_learning_rate == 1e-3
        assert (config.refiner_averaging, config.filters) == (0.0, 64)
        assert config.refiner_pretraining_steps == 1_000
        assert config.discriminator_pretraining_steps == 200


def test_the_default_is_quick():
    assert Config() == preset("quick")


def test_every_field_has_a_meaning_and_an_origin():
    for field in dataclasses.fields(Config):
        assert field.metadata["meaning"], field.name
        assert field.metadata["origin"], field.name
        assert f"{field.name} = " in Config.describe()


@pytest.mark.parametrize("name", PRESETS)
def test_json_round_trip(name):
    assert Config.from_json(preset(name).to_json()) == preset(name)


def test_text_is_converted_to_the_fields_type():
    config = Config().replace(
        iterations="1_000", lambda_mean="5e-1", buffer_size="0", optimizer="sgd", beta_1="0"
    )
    assert (config.iterations, config.lambda_mean, config.buffer_size) == (1000, 0.5, 0)
    assert (config.optimizer, config.beta_1) == ("sgd", 0.0)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"lamda_mean": "1"}, ["lamda_mean", "'lambda_mean'"]),
        ({"xyz": "1"}, ["xyz", "iterations", "seed"]),
        ({"history": False}, ["history"]),
        ({"batch_size": 31}, ["batch_size", "31", "32"]),
        ({"batch_size": "many"}, ["batch_size", "'many'", "2"]),
        ({"lambda_mean": float("nan")}, ["lambda_mean", "nan"]),
        ({"lambda_mean": float("inf")}, ["lambda_mean", "inf"]),
        ({"lambda_mean": -1}, ["lambda_mean", "-1"]),
        ({"iterations": True}, ["iterations", "True"]),
        ({"iterations": 2.5}, ["iterations", "2.5"]),
        ({"optimizer": "rmsprop"}, ["'rmsprop'", "'adam'", "'sgd'"]),
        ({"batch_size": 32, "buffer_size": 8}, ["buffer_size", "16", "8"]),
        ({"beta_1": 1.0}, ["beta_1", "1.0"]),
        ({"refiner_averaging": 1}, ["refiner_averaging", "1"]),
    ],
    ids=str,
)
def test_bad_values_are_refused_with_a_way_out(changes, says):
    with pytest.raises(ConfigError) as refused:
        Config().replace(**changes)
    for part in says:
        assert part in str(refused.value)


@pytest.mark.parametrize("text", ["{", "[]", "3", json.dumps({"sed": 1})])
def test_bad_json_is_refused(text):
    with pytest.raises(ConfigError):
        Config.from_json(text)


def test_an_unknown_preset_names_those_that_there_are():
    with pytest.raises(ConfigError, match="'fast'") as refused:
        preset("fast")
    assert all(name in str(refused.value) for name in PRESETS)
