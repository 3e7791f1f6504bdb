import dataclasses
import json

import pytest

from simgan_lib.config import PRESETS, Config, ConfigError, preset


def test_presets_are_what_the_sources_say():
    report, paper = preset("report"), preset("paper")
    assert (report.iterations, report.batch_size, report.discriminator_updates) == (25_000, 32, 10)
    assert paper.refiner_learning_rate == 1e-3
    assert (report.refiner_learning_rate, report.beta_1, report.lambda_mean) == (1e-3, 0.5, 0.01)
    assert (paper.batch_size, paper.refiner_updates, paper.discriminator_updates) == (512, 50, 1)
    assert (paper.optimizer, paper.lambda_mean) == ("sgd", 0.153)
    for config in (report, paper):
        assert (config.refiner_averaging, config.refiner_goal) == (0.0, "real")
        assert (config.filters, config.blocks, config.kernel_size) == (64, 4, 3)
        assert config.refiner_pretraining_steps == 1_000
        assert config.discriminator_pretraining_steps == 200


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
        iterations="1_000", lambda_mean="5e-1", history="no", optimizer="sgd", beta_1="0"
    )
    assert (config.iterations, config.lambda_mean, config.history) == (1000, 0.5, False)
    assert (config.optimizer, config.beta_1) == ("sgd", 0.0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lamda_mean": "1"}, "Unknown field 'lamda_mean'. Did you mean 'lambda_mean'"),
        ({"xyz": "1"}, "Unknown field 'xyz'. Fields: iterations,"),
        ({"batch_size": 31}, "batch_size must be even.*received 31. Use 32"),
        (
            {"batch_size": "many"},
            "batch_size must be a whole number of at least 2; received 'many'",
        ),
        ({"lambda_mean": float("nan")}, "lambda_mean must be a number of at least 0"),
        ({"lambda_mean": float("inf")}, "lambda_mean must be a number of at least 0"),
        ({"lambda_mean": -1}, "received -1"),
        ({"history": 1}, "history must be true or false; received 1"),
        ({"iterations": True}, "iterations must be a whole number"),
        ({"iterations": 2.5}, "received 2.5"),
        ({"optimizer": "rmsprop"}, "one of 'adam', 'sgd'; received 'rmsprop'"),
        ({"buffer_size": 8}, "buffer_size must be at least half of batch_size .16.; received 8"),
        ({"beta_1": 1.0}, "beta_1 must be below 1"),
        ({"equalise_input": True}, "received output_activation='tanh'. Set equalise_input to f"),
        ({"refiner_averaging": 1}, "refiner_averaging must be below 1; received 1. Use 0.97"),
    ],
)
def test_bad_values_are_refused_with_a_way_out(changes, message):
    with pytest.raises(ConfigError, match=message):
        Config().replace(**changes)


@pytest.mark.parametrize("text", ["{", "[]", "3", json.dumps({"sed": 1})])
def test_bad_json_is_refused(text):
    with pytest.raises(ConfigError):
        Config.from_json(text)


def test_unknown_preset():
    with pytest.raises(ConfigError, match=r"'fast'\. Presets: smoke, quick, long, report, paper"):
        preset("fast")
