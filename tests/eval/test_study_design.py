"""The study's design: equal shares, updates, occluders and starts, and one thing left out at a time."""

from functools import partial
from pathlib import Path

import pytest

from configs.study import get_config
from eval.study.design import Run, Sets, contenders, network_config, run_config, runs, start_config
from eval.study.run import step_key
from rvm_jax.errors import UserError

SETS = Sets(*(Path(name) for name in Sets._fields))


def test_all_have_the_same_share_of_occluded_clips() -> None:
    config = get_config()
    for run in (Run(contender, 0) for contender in contenders(config, "main")):
        data = run_config(config, run, SETS, "start").data
        weights = {name: spec.weight for name, spec in data.faces.items()}
        in_depth = weights.get("in_depth", 0.0) / sum(weights.values())
        (pasted,) = {technique.occlusion for technique in data.techniques.values()}
        occluded = 1 - (1 - in_depth) * (1 - pasted)
        assert occluded == pytest.approx(0.0 if run.contender.name == "none" else 0.6), run.name


def test_all_have_the_same_updates_start_and_occluders() -> None:
    config = get_config()
    found = [run_config(config, Run(contender, 3), SETS, "start").to_dict() for contender in contenders(config, "main")]
    for one in found:
        for technique in one["data"]["techniques"].values():
            of_technique = {key: technique[key] for key in ("jitter", "noise", "blur", "jpeg", "motion_blur")}
            assert of_technique == {"jitter": 0.3, "noise": 0.0, "blur": 0.0, "jpeg": 0.0, "motion_blur": 0.0}
        del one["data"]["techniques"], one["data"]["faces"]
        assert one == found[0]
    assert len(found) == 13
    assert found[0]["network"]["start_from"] == "start"
    assert {found[0]["data"]["seed"], found[0]["train"]["seed"]} == {3}


def test_what_is_pasted_is_what_people_in_depth_have_before_them() -> None:
    for form, pasted, unseen in (("", "people", "drawn"), ("gpu", "people", "drawn"), ("hour", "drawn", None)):
        study = get_config(form).study
        assert (study.occluders.name, study.test.get("occluders", {}).get("name")) == (pasted, unseen)


def test_what_is_left_out_is_one_thing_each() -> None:
    config = get_config()
    whole, *others = contenders(config, "leave_out")
    usual = run_config(config, Run(whole, 0), SETS, "start").data
    found = {}
    for other in others:
        data = run_config(config, Run(other, 0), SETS, "start").data
        if other.name.startswith("without"):
            changed = [
                key for key, value in data.techniques.natocc.items() if value != usual.techniques.natocc.get(key)
            ]
            changed += [key for key, value in data.faces.in_depth.items() if value != usual.faces.in_depth.get(key)]
            found[other.name] = changed
    assert found == {
        "without_soft_edge": ["edges"],
        "without_colour_transfer": ["colour_transfer"],
        "without_motion": ["motion_span", "visits"],
        "without_shadows": ["root", "shadows"],
        "without_hands": ["hands", "root"],
    }
    assert SETS.with_traits({"shadows": False}) == Path("in_depth_shadows_false")


def test_what_shares_a_step() -> None:
    start = "start"
    for shares_with_start in (False, True):
        config = get_config("hour")
        config.study.start.rate = 1e-3 if shares_with_start else 2e-3
        config.study.start.warmup_steps = config.optimizer.warmup_steps
        none, people = (contender for contender in contenders(config, "pilot") if contender.name != "natocc")
        one, other = (run_config(config, run, SETS, start) for run in (Run(none, 0), Run(people, 4)))
        assert step_key(one) == step_key(other)
        assert (step_key(one) == step_key(start_config(config, SETS))) == shares_with_start
        other.optimizer.clip_norm = 2.0
        assert step_key(one) != step_key(other)


def test_the_start_sees_bare_faces_in_an_order_of_its_own() -> None:
    config = get_config()
    start = start_config(config, SETS)
    assert list(start.data.faces) == ["bare"]
    assert start.data.techniques.published.occlusion == 0
    for number in (5, 8):  # more seeds do not change the start
        config.study.main.seeds = number
        assert len({run.seed for run in runs(config, "main")} - {start.data.seed}) == number
        assert start_config(config, SETS).to_dict() == start.to_dict()


def test_seeds_come_one_after_another() -> None:
    assert [run.name for run in runs(get_config("tiny"), "pilot")] == ["none_0", "people_0", "none_1", "people_1"]
    config = get_config("tiny")
    config.study.pilot.contenders = ("nothing",)
    with pytest.raises(UserError, match="'nothing' is none of"):
        list(runs(config, "pilot"))


def test_networks_see_the_same_number_of_frames_of_the_technique() -> None:
    config = get_config()
    (technique,) = contenders(config, "networks")
    recipes = [network_config(config, name, 1, technique, SETS) for name in config.study.networks.of]
    assert {recipe.train.batch_size * recipe.data.seq_length for recipe in recipes} == {16}
    assert {recipe.network.start_from for recipe in recipes} == {""}
    assert {recipe.data.techniques.to_json() for recipe in recipes} == {
        run_config(config, Run(technique, 1), SETS, "").data.techniques.to_json()
    }


def test_variants() -> None:
    with pytest.raises(UserError, match="one variant"):
        get_config("hour,gpu")
    assert {partial(get_config, each)().study.share for each in ("", "hour", "gpu", "tiny")} == {0.6}
